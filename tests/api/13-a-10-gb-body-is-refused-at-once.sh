# SPDX-License-Identifier: Apache-2.0
# A JSON body of 10 GB costs neither of us more than a moment; a chunked one without end neither.
. ./lib.sh
truncate -s 10G "$WORK/big"
begin=$(date +%s)
api POST /vms -H "$JSON" -T "$WORK/big"
expect 413 body_too_large
api POST /vms -H "$JSON" -H 'Expect:' -T "$WORK/big"
expect 413 body_too_large
api POST /vms -H "$JSON" -H 'Transfer-Encoding: chunked' -T "$WORK/big"
expect 411 length_required
[ $(($(date +%s) - begin)) -lt 20 ] || fail "it took $(($(date +%s) - begin)) s"
