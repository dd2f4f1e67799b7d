#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""density.py: 512 configured VMs, and as many small Linux guests with heartbeat as memory and DENSITY_SECONDS (1800) allow, 192 at most;
what each takes of the host's memory, and what vmms takes of the processor."""
import os, time

from appliance import GROUPS, Refused, note, root, row, run_tests, wait
from memory import guest

CONFIGURED, RUNNING = int(os.environ.get("CONFIGURED", "512")), int(os.environ.get("RUNNING", "192"))
SECONDS = int(os.environ.get("DENSITY_SECONDS", "1800"))
MEMORY = (128, 64, 128)                     # MiB: startup, minimum, maximum


def meminfo(key):
    return int(root(f"awk '/^{key}:/ {{ print $2 }}' /proc/meminfo")) << 10


def has_heartbeat(api, vm):
    return api.vm(vm)["guest"]["heartbeat"] == "ok"


def start_many(api, vms):
    end, running = time.monotonic() + SECONDS, []
    for vm in vms[:RUNNING]:
        try:
            api.act(vm, "start")
        except Refused as why:
            return running, str(why)
        running.append(vm)
        while sum(not has_heartbeat(api, vm) for vm in running[-4:]) > 2 and time.monotonic() < end:
            time.sleep(2)                   # some boot at a time: more only wait for each other
        if time.monotonic() > end:
            return running, f"{SECONDS} s are over"
    return running, f"{RUNNING} were asked for"


def vmms_seconds():
    return int(root("awk '/usage_usec/ { print $2 }' /sys/fs/cgroup/system.slice/partita-vmms.service/cpu.stat")) / 1e6


def many_small_guests_have_a_heartbeat_and_512_are_configured(api):
    before = meminfo("MemAvailable")
    vms = [guest(api, "small", *MEMORY) for _ in range(CONFIGURED)]
    row("configured VMs", "", len(vms))
    running, why = start_many(api, vms)
    row("small Linux guests that run at once", "", len(running))
    note("no more: " + why)
    wait(lambda: all(has_heartbeat(api, vm) for vm in running), 600, "every heartbeat")
    time.sleep(20)                          # until the usage has been asked for
    holders = api.call("GET", "/host/memory")["holders"]
    row("their workers and what the kernel has for them, by their control groups", "KiB each", sum(h["workerBytes"] for h in holders) // len(holders) >> 10)
    row("their guests' memory that the host has given", "KiB each", sum(api.vm(vm)["memory"]["backedBytes"] for vm in running) // len(running) >> 10)
    row("all that is gone from the host", "KiB each", (before - meminfo("MemAvailable")) // len(running) >> 10)
    begin, taken = time.monotonic(), vmms_seconds()
    time.sleep(30)
    row("vmms takes", "% of a processor", round(100 * (vmms_seconds() - taken) / (time.monotonic() - begin), 2))
    killed = root(f"grep -h oom_kill {GROUPS}/vm-*/memory.events | awk '{{ s += $2 }} END {{ print s + 0 }}'")
    assert int(killed) == 0, f"{killed} workers were killed for want of memory"


if __name__ == "__main__":
    run_tests([many_small_guests_have_a_heartbeat_and_512_are_configured])
