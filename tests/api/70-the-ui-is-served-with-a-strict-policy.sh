# SPDX-License-Identifier: Apache-2.0
# The page, its security headers, what browsers may keep, the paths of the UI's own router, and nothing outside its folder.
. ./lib.sh
URL=${URL%/api/v1}
request GET /
expect 200
equal type "$(header Content-Type)" 'text/html; charset=utf-8'
equal nosniff "$(header X-Content-Type-Options)" nosniff
equal cache "$(header Cache-Control)" no-cache
case $(header Content-Security-Policy) in
*"default-src 'self'"*"frame-ancestors 'none'"*) ;;
*) fail "CSP: $(header Content-Security-Policy)" ;;
esac
[ -n "$(header Strict-Transport-Security)" ] || fail 'no HSTS'
etag=$(header ETag)
request GET / -H "If-None-Match: $etag"
expect 304
request GET /vms/some-vm -H 'Accept: text/html'
expect 200
equal type "$(header Content-Type)" 'text/html; charset=utf-8'
request GET /nothing.js -H 'Accept: */*'
expect 404 not_found
for path in /../../../../etc/passwd /assets/../../../../etc/passwd /%2e%2e/%2e%2e/etc/passwd //etc/passwd /assets; do
	request GET "$path" --path-as-is -H 'Accept: */*'
	expect 404 not_found
done
request POST / -H "$JSON" -d '{}'
expect 405 method_not_allowed
