#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""paging.py: Smart Paging with a guest that has all of its memory in use and checks it (sweep.S), while the host has half of it."""
import os

from appliance import GROUPS, MIB, Refused, Serial, group_values, host_memory_for_vms, iso_of_boot_sector, note, root, row, run_tests, wait

STARTUP, HOST = 256, 128                    # MiB: what it starts with, and what there is at its restart
SLOW = int(os.environ.get("PATIENCE", "600"))
code = os.environ.get("SWEEP", "build/tests/resources/sweep.bin")


def paged(api, vm):
    return api.vm(vm)["memory"]["smartPagingBytes"] // MIB


def states(api, vm):
    return [e["data"]["state"] for e in api.events("vm.smart-paging", vm)]


def sweeping_vm(api):
    with open(code, "rb") as file:
        iso = api.upload_iso("sweep", iso_of_boot_sector(file.read()))
    vm = api.new_vm("sweep", iso, {"startupBytes": STARTUP * MIB, "dynamic": True, "minimumBytes": 64 * MIB, "maximumBytes": STARTUP * MIB})
    api.act(vm, "start")
    Serial(api, vm).expect("sweep 01", SLOW)
    return vm


def restart_short(api, vm):
    """Its serial port; it has been told to restart while the host has half of what it starts with."""
    api.act(vm, "restart", SLOW)
    return Serial(api, vm)


def files():
    return root("stat -c '%u %g %a %s' /var/lib/partita/paging/* 2>/dev/null || true").split("\n")[:-1]


def a_guest_in_a_paging_file_finds_its_memory_as_it_left_it(api):
    vm = sweeping_vm(api)
    with host_memory_for_vms(api, HOST):
        port = restart_short(api, vm)
        now = paged(api, vm)
        assert STARTUP - HOST <= now <= STARTUP - HOST + 2, f"{now} MiB are paged"
        assert files() == [f"0 0 600 {now * MIB + 4096}"], files()
        port.expect("sweep 02", SLOW)
        (resident,), _ = group_values("memory.current", [vm])
        (swapped,), _ = group_values("memory.swap.current", [vm])
        note(f"after two rounds over 238 MiB: {resident // MIB} MiB resident, {swapped // MIB} MiB in the file")
        row("memory of a VM of 256 MiB in a paging file", "MiB", swapped // MIB)
        assert swapped > 40 * MIB, "the kernel put nothing into the file"
        others = root("cd /sys/fs/cgroup/system.slice; cat partita-vmms.service/memory.swap.max partita-webapi.service/memory.swap.max").split()
        assert others == ["0", "0"], others
    wait(lambda: states(api, vm) == ["began", "ended"], SLOW, "the paging file to be left")
    assert files() == [] and "partita" not in root("cat /proc/swaps"), (files(), root("cat /proc/swaps"))
    (swapped,), _ = group_values("memory.swap.current", [vm])
    assert swapped == 0, f"{swapped} bytes are still swapped"
    port.expect("sweep 0", SLOW)
    port.expect("sweep 0", SLOW)
    assert "BAD" not in port.text


def a_paging_file_survives_vmms_and_ends_with_the_worker(api):
    vm = sweeping_vm(api)
    with host_memory_for_vms(api, HOST):
        port = restart_short(api, vm)
        now = paged(api, vm)
        port.expect("sweep 01", SLOW)
        root("kill -KILL $(systemctl show -p MainPID --value partita-vmms)")
        wait(lambda: answers(api, vm) == now, 120, "the new vmms to know of the file")
        assert len(files()) == 1
        Serial(api, vm).expect("sweep 0", SLOW)
        root(f"kill -KILL $(head -n 1 {GROUPS}/vm-{vm}/cgroup.procs)")
        wait(lambda: files() == [], 120, "the file to go")
        assert api.vm(vm)["state"] == "failed" and "partita" not in root("cat /proc/swaps")


def answers(api, vm):
    try:
        return paged(api, vm)
    except Refused:
        return None                         # vmms is not back yet


if __name__ == "__main__":
    run_tests([a_guest_in_a_paging_file_finds_its_memory_as_it_left_it, a_paging_file_survives_vmms_and_ends_with_the_worker])
