# SPDX-License-Identifier: Apache-2.0
# A token is shown once, has at most its owner's role, and ends at once.
. ./lib.sh
post /tokens '{"name":"script","role":"viewer"}'
expect 201
id=$(field .id)
secret=$(field .token)
remove "/tokens/$id"
api GET "/tokens/$id"
expect 200
equal 'the secret, shown again' "$(field .token)" null
request GET /vms -H "Authorization: Bearer $secret"
expect 200
request POST /vms -H "Authorization: Bearer $secret" -H "$JSON" -d "$(vm_json x)"
expect 403 role_insufficient
api DELETE "/tokens/$id"
expect 204
request GET /vms -H "Authorization: Bearer $secret"
expect 401 not_authenticated
api DELETE "/tokens/$id"
expect 404 token_not_found
