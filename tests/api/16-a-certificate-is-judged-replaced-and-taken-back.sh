# SPDX-License-Identifier: Apache-2.0
# An administrator's certificate is served at once; one that browsers would refuse changes nothing; the appliance's own comes back.
. ./lib.sh
cd "$WORK" || exit 1
host=${URL#https://}
host=${host%%/*}
served() { # the fingerprint that a new connection sees
	openssl s_client -connect "$host" </dev/null 2>/dev/null | openssl x509 -noout -fingerprint -sha256 | sed 's/.*=//'
}
valid='-not_before 20200101000000Z -not_after 20990101000000Z'	# whatever the appliance's clock says
make() { # NAME KEY-ALGORITHM [OPENSSL OPTIONS]: a self-signed one
	out=$1
	algorithm=$2
	shift 2
	# shellcheck disable=SC2086
	openssl req -x509 -newkey $algorithm -nodes -keyout "$out.key" -out "$out.crt" $valid -subj "/CN=$out.example" \
		-addext "subjectAltName=DNS:$out.example,IP:192.0.2.7" "$@" 2>/dev/null || fail "openssl made no $out"
}
put() { # KEY-FILE CERTIFICATE-FILE
	jq -n --rawfile key "$1" --rawfile chain "$2" '{certificate: $chain, privateKey: $key}' >put.json
	api PUT /host/certificate -H "$JSON" -d @put.json
}
refuse() { # WHAT KEY CERTIFICATE FIELD
	put "$2" "$3"
	expect 422 certificate_invalid "$4"
	equal "$1" "$(served)" "$own"
}

api GET /host/certificate
expect 200
equal 'whose it is' "$(field .uploaded)" false
own=$(field .fingerprint)
equal 'the fingerprint served' "$(served)" "$own"
equal 'a name of it' "$(field '.names | index("localhost") != null')" true

ec='ec -pkeyopt ec_paramgen_curve:P-256'
make first "$ec"
make other "$ec"
make weak rsa:1024
make client "$ec" -addext extendedKeyUsage=clientAuth
echo garbage >garbage.pem
cat first.crt other.crt >broken.pem
openssl ec -in first.key -aes128 -passout pass:secret -out locked.key 2>/dev/null
refuse garbage garbage.pem first.crt privateKey
refuse 'a garbage certificate' first.key garbage.pem certificate
refuse 'a locked key' locked.key first.crt privateKey
refuse 'another key' other.key first.crt privateKey
refuse 'a weak key' weak.key weak.crt privateKey
refuse 'not for servers' client.key client.crt certificate
refuse 'a chain that does not hold' first.key broken.pem certificate
openssl x509 -in first.crt -signkey first.key -not_before 20200101000000Z -not_after 20200201000000Z -out old.crt 2>/dev/null ||
	fail 'openssl made no expired one'
refuse 'an expired one' first.key old.crt certificate
api PUT /host/certificate -H "$JSON" -d '{"certificate":"x"}'
expect 422 missing_field privateKey

# From here on the appliance shows others: whatever happens, its own must come back.
remove /host/certificate
put first.key first.crt
expect 200
equal 'whose it is now' "$(field .uploaded)" true
equal 'the new fingerprint' "$(served)" "$(openssl x509 -in first.crt -noout -fingerprint -sha256 | sed 's/.*=//')"
equal names "$(field '.names | join(" ")')" 'first.example 192.0.2.7'

# A server certificate that an authority signed, with RSA, and its chain.
make authority rsa:2048 -addext basicConstraints=critical,CA:TRUE
openssl req -newkey rsa:2048 -nodes -keyout leaf.key -out leaf.csr -subj /CN=leaf.example 2>/dev/null
# shellcheck disable=SC2086
openssl x509 -req -in leaf.csr -CA authority.crt -CAkey authority.key $valid -out leaf.crt 2>/dev/null || fail 'openssl signed nothing'
cat leaf.crt authority.crt >chain.pem
put leaf.key chain.pem
expect 200
equal 'chain and key' "$(field '"\(.chainLength) \(.keyType) \(.keyBits)"')" '2 rsa 2048'
equal 'the leaf is served' "$(served)" "$(field .fingerprint)"
for version in tls1_2 tls1_3; do
	openssl s_client -connect "$host" -$version -CAfile authority.crt -verify_return_error </dev/null >handshake 2>&1 || fail "$version: $(tail -n 3 handshake)"
done
api GET /host/certificate
expect 200
api DELETE /host/certificate
expect 200
equal 'our own again' "$(field .fingerprint)" "$own"
equal 'and served' "$(served)" "$own"
