#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""processors.py: weights, limits and reserves of busy VMs, as their control groups' clocks say, on an appliance with one processor.
The guests are boot sectors that loop. SECONDS_BUSY (60) is how long each is watched."""
import os, sys, time

from appliance import MIB, group_values, iso_of_boot_sector, row, run_tests

BUSY = b"\xfa\xeb\xfe"                      # cli; 1: jmp 1b
SECONDS = int(os.environ.get("SECONDS_BUSY", "60"))
SETTLE = 20                                 # the firmware's part of it, and what is left of the start


def busy_vms(api, *processors):
    iso = api.upload_iso("busy", iso_of_boot_sector(BUSY))
    vms = [api.new_vm("busy", iso, {"startupBytes": 32 * MIB}, processor={"count": 1} | p) for p in processors]
    for vm in vms:
        api.act(vm, "start")
    time.sleep(SETTLE)
    return vms


def used(vms):
    before, begin = group_values("cpu.stat:usage_usec", vms)
    time.sleep(SECONDS)
    after, end = group_values("cpu.stat:usage_usec", vms)
    return [(b - a) / 1e6 for a, b in zip(before, after)], end - begin


def shares_of(api, *processors):
    seconds, elapsed = used(busy_vms(api, *processors))
    return [100 * s / sum(seconds) for s in seconds], seconds, elapsed


def three_busy_vms_of_weights_1_2_and_4_share_the_processor_within_3_percent(api):
    shares, seconds, elapsed = shares_of(api, {"weight": 100}, {"weight": 200}, {"weight": 400})
    for weight, share in zip((1, 2, 4), shares):
        row(f"busy VM of weight {weight} among 1:2:4: its share", "%", round(share, 2))
    row("the three together take of the processor", "%", round(100 * sum(seconds) / elapsed, 1))
    for weight, share in zip((1, 2, 4), shares):
        assert abs(share - 100 * weight / 7) <= 3, f"weight {weight} has {share:.2f} % of what the three took"


def a_limit_is_not_exceeded_by_more_than_2_percent(api):
    for percent in (30, 75):
        vms = busy_vms(api, {"limitPercent": percent})
        (seconds,), elapsed = used(vms)
        took = 100 * seconds / elapsed
        row(f"busy VM with a limit of {percent} %: takes", "%", round(took, 2))
        assert took <= percent + 2, f"{took:.2f} % of a limit of {percent}"
        assert took >= percent / 2, f"{took:.2f} % of a limit of {percent}, and nobody else was busy"
        api.remove(*vms)


def a_reserve_is_kept_against_a_hundred_times_the_weight(api):
    vms = busy_vms(api, {"weight": 100, "reservePercent": 40}, {"weight": 10000})
    seconds, elapsed = used(vms)
    took = 100 * seconds[0] / sum(seconds)
    row("busy VM with a reserve of 40 % beside one of 100 times its weight: takes", "%", round(took, 2))
    assert took >= 38, f"{took:.2f} % of a reserve of 40"


if __name__ == "__main__":
    run_tests([three_busy_vms_of_weights_1_2_and_4_share_the_processor_within_3_percent,
               a_limit_is_not_exceeded_by_more_than_2_percent, a_reserve_is_kept_against_a_hundred_times_the_weight])
