# SPDX-License-Identifier: Apache-2.0
# The appliance makes a key and a signing request; an authority's certificate for it is taken without a key, another one is not.
. ./lib.sh
cd "$WORK" || exit 1
valid='-not_before 20200101000000Z -not_after 20990101000000Z'	# whatever the appliance's clock says
sign() { # REQUEST OUT
	# shellcheck disable=SC2086
	openssl x509 -req -in "$1" -CA authority.crt -CAkey authority.key -copy_extensions copy $valid -out "$2" 2>/dev/null ||
		fail "openssl did not sign $1"
}
answer() { # CERTIFICATE
	jq -n --rawfile chain "$1" '{certificate: $chain}' >answer.json
	api PUT /host/certificate -H "$JSON" -d @answer.json
}
ask() { # NAMES AS JSON
	api POST /host/certificate/request -H "$JSON" -d "{\"names\":$1}"
}

# shellcheck disable=SC2086
openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout authority.key -out authority.crt $valid -subj /CN=authority \
	-addext basicConstraints=critical,CA:TRUE 2>/dev/null || fail 'openssl made no authority'
api DELETE /host/certificate/request
expect 204
api GET /host/certificate/request
expect 404 not_found
answer authority.crt
expect 422 missing_field privateKey

ask '[]'
expect 422 out_of_range names
ask '["a_b"]'
expect 422 out_of_range names
ask '["ok.example","-x"]'
expect 422 out_of_range names
ask '["a,O=b"]'
expect 422 out_of_range names
api POST /host/certificate/request -H "$JSON" -d '{}'
expect 422 missing_field names
api POST /host/certificate/request -H "$JSON" -d '{"names":["a"],"key":"b"}'
expect 422 unknown_field names

ask '["old.example"]'
expect 201
field .signingRequest >old.csr
remove /host/certificate/request
ask '["192.0.2.9","host.example","*.apps.example","2001:db8::9"]'
expect 201
field .signingRequest >new.csr
openssl req -in new.csr -noout -verify 2>/dev/null || fail 'the request is not signed by its key'
equal subject "$(openssl req -in new.csr -noout -subject | tr -d ' ')" 'subject=CN=host.example'
equal names "$(openssl req -in new.csr -noout -text | grep -A1 'Alternative Name' | tail -n 1 | tr -d ' ' | tr , '\n' | LC_ALL=C sort | tr '\n' ' ')" \
	'DNS:*.apps.example DNS:host.example IPAddress:192.0.2.9 IPAddress:2001:DB8:0:0:0:0:0:9 '
api GET /host/certificate/request
expect 200
equal 'the same is given again' "$(field .signingRequest)" "$(cat new.csr)"
case $(cat body) in *PRIVATE*) fail 'the key came out' ;; esac

remove /host/certificate
sign old.csr old.crt
answer old.crt
expect 422 certificate_invalid certificate
sign new.csr new.crt
cat new.crt authority.crt >chain.pem
answer chain.pem
expect 200
equal 'whose it is, for whom' "$(field '"\(.uploaded) \(.names | sort | join(" "))"')" 'true *.apps.example 192.0.2.9 2001:db8::9 host.example'
api GET /host/certificate/request
expect 404 not_found
