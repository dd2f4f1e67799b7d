# SPDX-License-Identifier: Apache-2.0
# Log in as a browser does: the cookie alone reads, changes need X-CSRF-Token, a page of another origin may not even log in.
. ./lib.sh
login="{\"username\":\"$ADMIN_USER\",\"password\":\"$ADMIN_PASSWORD\"}"
request POST /sessions -H "$JSON" -H 'Origin: https://elsewhere.example' -d "$login"
expect 403 wrong_origin
request POST /sessions -H "$JSON" -d "$login" -c "$WORK/cookies"
expect 201
csrf=$(field .csrfToken)
case $(header Set-Cookie) in
__Host-*Path=/*Secure*HttpOnly*SameSite=Strict*) ;;
*) fail "Set-Cookie: $(header Set-Cookie)" ;;
esac
request GET /sessions/current -b "$WORK/cookies"
expect 200
equal 'csrfToken again' "$(field .csrfToken)" "$csrf"
request POST /vms -b "$WORK/cookies" -H "$JSON" -d "$(vm_json x)"
expect 403 csrf_token_missing
request POST /vms -b "$WORK/cookies" -H 'X-CSRF-Token: wrong' -H "$JSON" -d "$(vm_json x)"
expect 403 csrf_token_wrong
upgrade /events/stream -b "$WORK/cookies" -H 'Origin: https://elsewhere.example'
expect 403 wrong_origin
request DELETE /sessions/current -b "$WORK/cookies" -H "X-CSRF-Token: $csrf"
expect 204
request GET /sessions/current -b "$WORK/cookies"
expect 401 not_authenticated
