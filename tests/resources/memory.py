#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""memory.py [WORD...]: dynamic memory with real guests (Debian's kernel, eater.c) on an appliance with 12 GiB (or STEP_MIB=256 for one of 4)."""
import os, time

from appliance import GROUPS, MIB, Serial, host_memory_for_vms, note, root, row, run_tests, wait

STEP = int(os.environ.get("STEP_MIB", "1024"))
BOOT = 400                                  # seconds for a guest to boot on a slow emulator
BALLOON_SECONDS = 65                        # after its driver came the worker asks nothing of a guest for 50 s (vmwp/vsp/balloon.c)
WINDOW = 150                                # to shrink: the last minute's peak, and some rounds
SHORT = 8 * 400                             # MiB for eight guests that want 1,000 each
iso_id = None


def guest(api, name, startup, minimum, maximum, **more):
    global iso_id
    if iso_id is None:
        with open(os.environ.get("GUEST_ISO", "build/tests/resources/guest.iso"), "rb") as file:
            iso_id = api.upload_iso("guest", file.read())
    memory = {"startupBytes": startup * MIB, "dynamic": True, "minimumBytes": minimum * MIB, "maximumBytes": maximum * MIB} | more
    return api.new_vm(name, iso_id, memory)


def boot(api, *vms):
    """Serial ports of the guests, once they are up and their balloons may be moved."""
    for vm in vms:
        api.act(vm, "start")
    ports = [Serial(api, vm) for vm in vms]
    for port in ports:
        note("guest: " + port.expect("eater: ", BOOT))
    for vm, port in zip(vms, ports):
        wait(lambda: memory(api, vm)["status"] != "unavailable", 60, "the balloon driver")
        while int(port.ask("time", "time ", 30)) < BALLOON_SECONDS:
            time.sleep(3)
    return ports


def memory(api, vm):
    return api.vm(vm)["memory"]


def assigned(api, vm):
    return memory(api, vm)["assignedBytes"] // MIB


def check_nothing_is_promised_twice(api):
    m = api.call("GET", "/host/memory")
    assert m["assignedBytes"] + m["reserveBytes"] <= m["totalBytes"], m


def a_demand_step_is_served_within_2_seconds_of_guest_time(api):
    vm = guest(api, "step", 384, 128, STEP + 1024)
    port, = boot(api, vm)
    first = int(port.ask(f"demand {STEP}", "served ", 70))
    row(f"demand step of {STEP} MiB served by hot add", "ms of guest time", first)
    row(f"{STEP} MiB touched after the step", "ms of guest time", int(port.expect("touched ", 120)))
    port.ask("release", "released", 30)
    wait(lambda: assigned(api, vm) < 384, WINDOW, "the guest to shrink")
    second = int(port.ask(f"demand {STEP}", "served ", 70))
    row(f"demand step of {STEP} MiB served from the balloon", "ms of guest time", second)
    port.expect("touched ", 120)
    assert first < 2000 and second < 2000, f"{first} ms by hot add, {second} ms from the balloon"


def an_idle_guest_shrinks_to_its_minimum_and_the_host_has_the_pages(api):
    vm = guest(api, "idle", 768, 192, 1024)
    port, = boot(api, vm)
    port.ask("demand 500", "touched ", 120)
    time.sleep(20)
    before = wait(lambda: memory(api, vm)["backedBytes"] > 500 * MIB and memory(api, vm)["backedBytes"], 40, "the pages to be counted")
    port.ask("release", "released", 30)
    begin = time.monotonic()
    wait(lambda: assigned(api, vm) <= 192 * 1.05, 2 * WINDOW, "the minimum")     # within what is not worth a move (dynmem/balance.c)
    row("idle guest of 768 MiB is within 5 % of its minimum of 192 MiB after", "s", round(time.monotonic() - begin))
    after = wait(lambda: memory(api, vm)["backedBytes"] <= 210 * MIB and memory(api, vm)["backedBytes"], 40, "the pages to be given back")
    row("its pages on the host before and after", "MiB", f"{before // MIB} -> {after // MIB}")
    assert assigned(api, vm) >= 192
    port.ask("demand 40", "served ", 60)
    assert not port.killed


def shares(amount, guests):
    """What dynmem gives: weighted max-min between floor and ceiling (appliance/dynmem/share.c), here by bisection."""
    low, high = 0.0, float(max(ceiling / weight for weight, _, ceiling in guests))
    given = lambda level: [min(max(weight * level, floor), ceiling) for weight, floor, ceiling in guests]
    for _ in range(100):
        middle = (low + high) / 2
        low, high = (middle, high) if sum(given(middle)) <= amount else (low, middle)
    return given(low)


def guests_of_weights_1_2_and_4_get_the_shares_of_the_model_under_shortage(api):
    weights = [1000, 1000, 1000, 2000, 2000, 2000, 4000, 4000]
    vms = [guest(api, f"weight-{w}", 256, 160, 2048, weight=w) for w in weights]
    ports = boot(api, *vms)
    with host_memory_for_vms(api, SHORT):
        for port in ports:
            port.write("demand 1000\n")
        for vm in vms:
            wait(lambda: memory(api, vm)["demandBytes"] > 1000 * MIB, 60, "the demand to be told")
        settled = lambda now: now == [assigned(api, vm) for vm in vms] and now
        wait(lambda: (now := [assigned(api, vm) for vm in vms]) and (time.sleep(10), settled(now))[1], 200, "the shares to settle")
        have = [assigned(api, vm) for vm in vms]
        wishes = [min(2048, memory(api, vm)["demandBytes"] * 1.2 / MIB) for vm in vms]
        model = shares(SHORT, [(w, 160, wish) for w, wish in zip(weights, wishes)])
        for weight, is_now, should in zip(weights, have, model):
            row(f"guest of weight {weight // 1000} under shortage: assigned, and by the model", "MiB", f"{is_now}, {should:.0f}")
        check_nothing_is_promised_twice(api)
        assert all(m >= 160 for m in have), have
        wrong = [(h, round(m)) for h, m in zip(have, model) if abs(h - m) > 0.05 * m]
        assert not wrong, f"more than 5 % from the model: {wrong}"
        for port in ports:
            port.expect("served", 90)       # or "not served"
            port.ask("release", "released", 120)
            assert not port.killed


def a_guest_that_cannot_give_or_does_not_answer_keeps_what_it_has(api):
    busy, hung = guest(api, "busy", 384, 128, 640), guest(api, "hung", 384, 128, 640)
    ports = boot(api, busy, hung)
    ports[0].ask("demand 330", "touched ", 120)
    wait(lambda: assigned(api, busy) > 384, 60, "the growth of the first guest")
    ports[1].write("panic\n")
    time.sleep(5)
    held = assigned(api, hung)
    api.patch(busy, memory={"maximumBytes": 384 * MIB})
    time.sleep(30)
    assert assigned(api, busy) >= 384 - 1, "below what it needs"
    assert ports[0].ask("memory", "memory ", 60) and not ports[0].killed
    api.patch(hung, memory={"minimumBytes": 64 * MIB})
    time.sleep(80)
    m = memory(api, hung)
    assert m["assignedBytes"] // MIB <= held and api.vm(hung)["state"] == "running", m
    check_nothing_is_promised_twice(api)
    row("a hung guest holds", "MiB", m["assignedBytes"] // MIB)


def a_reboot_in_every_phase_leaves_a_sound_guest(api):
    vm = guest(api, "reboots", 384, 128, 1024)
    port, = boot(api, vm)
    for phase in ("startup", "shrunk", "grown", "growing"):
        if phase == "shrunk":
            wait(lambda: assigned(api, vm) < 300, WINDOW + BALLOON_SECONDS, "the guest to shrink")
        if phase == "grown":
            while int(port.ask("time", "time ", 30)) < BALLOON_SECONDS:
                time.sleep(3)
            port.ask("demand 500", "touched ", 120)
        if phase == "growing":
            while int(port.ask("time", "time ", 30)) < BALLOON_SECONDS:
                time.sleep(3)
            port.write("demand 600\n")
            time.sleep(1)
            port.write("\n")
            api.act(vm, "reset")
        else:
            port.write("reboot\n")
        note(f"reboot when {phase}: " + port.expect("eater: ", BOOT))
        wait(lambda: memory(api, vm)["status"] != "unavailable", 60, "the balloon driver")
        total, free = map(int, port.ask("memory", "memory ", 60).split())
        check_nothing_is_promised_twice(api)
        assert 300 <= total <= 384 and abs(assigned(api, vm) - 384) <= 40, (phase, total, assigned(api, vm))
    assert not port.killed


def a_killed_worker_gives_its_memory_back_in_every_phase(api):
    other = guest(api, "other", 192, 128, 256)
    other_port, = boot(api, other)
    for phase in ("booting", "startup", "shrunk", "grown"):
        before = api.call("GET", "/host/memory")["availableBytes"]
        vm = guest(api, "dies", 384, 128, 1024)
        if phase == "booting":
            api.act(vm, "start")
        else:
            port, = boot(api, vm)
            if phase == "shrunk":
                wait(lambda: assigned(api, vm) < 300, WINDOW, "the guest to shrink")
            if phase == "grown":
                port.ask("demand 500", "touched ", 120)
        root(f"kill -KILL $(head -n 1 {GROUPS}/vm-{vm}/cgroup.procs)")
        wait(lambda: api.vm(vm)["state"] == "failed", 30, "the failure to be told")
        wait(lambda: api.call("GET", "/host/memory")["availableBytes"] > before - 96 * MIB, 60, "the memory to be free again")
        assert "signal 9" in api.events("vm.state-changed", vm)[-1]["message"]
        assert other_port.ask("memory", "memory ", 60)
        api.remove(vm)
        note(f"killed when {phase}: its memory is back")


if __name__ == "__main__":
    run_tests([a_demand_step_is_served_within_2_seconds_of_guest_time, an_idle_guest_shrinks_to_its_minimum_and_the_host_has_the_pages,
               guests_of_weights_1_2_and_4_get_the_shares_of_the_model_under_shortage,
               a_guest_that_cannot_give_or_does_not_answer_keeps_what_it_has, a_reboot_in_every_phase_leaves_a_sound_guest,
               a_killed_worker_gives_its_memory_back_in_every_phase])
