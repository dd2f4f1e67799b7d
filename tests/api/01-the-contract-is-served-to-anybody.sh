# SPDX-License-Identifier: Apache-2.0
# openapi.json and healthz need no login.
. ./lib.sh
request GET /openapi.json
expect 200
equal version "$(field .openapi)" 3.1.0
request GET /healthz
expect 200
equal health "$(field .status)" ok
