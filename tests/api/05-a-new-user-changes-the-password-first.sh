# SPDX-License-Identifier: Apache-2.0
# A new account may do nothing before it has changed its password, then what its role permits, and nothing once deleted.
. ./lib.sh
name=t$(date +%s)$$
as_user() { # METHOD PATH [CURL OPTIONS]
	request "$@" -b "$WORK/cookies" -H "X-CSRF-Token: $csrf"
}
post /users "{\"username\":\"$name\",\"password\":\"$name\",\"role\":\"operator\"}"
expect 422 out_of_range password
post /users "{\"username\":\"$name\",\"password\":\"short\",\"role\":\"operator\"}"
expect 422 out_of_range password
post /users "{\"username\":\"$name\",\"password\":\"first-password\",\"role\":\"king\"}"
expect 422 out_of_range role
post /users "{\"username\":\"$name\",\"password\":\"first-password\",\"role\":\"operator\"}"
expect 201
user=$(field .id)
remove "/users/$user"
post /users "{\"username\":\"$name\",\"password\":\"first-password\",\"role\":\"viewer\"}"
expect 409 name_in_use username
request POST /sessions -H "$JSON" -d "{\"username\":\"$name\",\"password\":\"first-password\"}" -c "$WORK/cookies"
expect 201
equal passwordChangeRequired "$(field .passwordChangeRequired)" true
csrf=$(field .csrfToken)
as_user GET /vms
expect 403 password_change_required
as_user POST /tokens -H "$JSON" -d '{"name":"x"}'
expect 403 password_change_required
as_user PATCH "/users/$user" -H "$JSON" -d '{"password":"second-password"}'
expect 422 missing_field currentPassword
as_user PATCH "/users/$user" -H "$JSON" -d '{"currentPassword":"first-password","password":"first-password"}'
expect 422 out_of_range password
as_user PATCH "/users/$user" -H "$JSON" -d '{"currentPassword":"first-password","password":"second-password"}'
expect 200
as_user GET /vms
expect 200
as_user PATCH "/users/$user" -H "$JSON" -d '{"role":"administrator"}'
expect 403 role_insufficient
as_user GET /audit
expect 403 role_insufficient
as_user POST /vms -H "$JSON" -d "$(vm_json x)"
expect 403 role_insufficient
api DELETE "/users/$user"
expect 204
as_user GET /vms
expect 401 not_authenticated
