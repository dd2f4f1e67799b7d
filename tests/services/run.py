#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""vmpriv and vmms for real: run.py BUILD [WORD…]. Each test_ function is one sentence that can be false; with words, only those
whose name contains one of them run. Prints TAP; every test has services of its own, four run at a time."""
import concurrent.futures, contextlib, hashlib, json, multiprocessing, os, signal, struct, subprocess, sys, time, traceback, uuid

sys.dont_write_bytecode = True
from services import Services, Refused, Client, die_with_parent

MIB = 1 << 20


def vm_body(name, **more):
    return {"name": name, "processor": {"count": 1}, "memory": {"startupBytes": 64 * MIB}} | more


def refused(status, code, call, *args, **kw):
    try:
        answer = call(*args, **kw)
    except Refused as r:
        assert (r.status, r.code) == (status, code), f"wanted {status} {code}, got {r}"
        return r
    raise AssertionError(f"not refused: {answer}")


def wait_state(s, c, vm, state):
    def reached():
        now = c.call("vmms.GetVm", id=vm)["vm"]
        assert now["state"] != "failed" or state == "failed", now["stateReason"]
        return now if now["state"] == state else None
    return s.wait(reached)


def wait_job(s, c, job):
    return s.wait(lambda: (j := c.call("vmms.GetJob", id=job["id"])["job"])["state"] != "running" and j)


def start_vm(s, c, name, **more):
    vm = c.call("vmms.CreateVm", vm=vm_body(name, **more))["vm"]
    job = c.call("vmms.VmAction", id=vm["id"], action="start")["job"]
    job = wait_job(s, c, job)
    assert job["state"] == "succeeded", job
    return vm["id"]


def iso_image(blocks=40, volume_blocks=None):
    pvd = bytearray(2048)
    pvd[0:6] = b"\1CD001"
    pvd[6] = 1
    pvd[80:84] = struct.pack("<I", volume_blocks or blocks)
    pvd[128:130] = struct.pack("<H", 2048)
    end = bytearray(2048)
    end[0:6] = b"\xffCD001"
    return bytes(16 * 2048) + bytes(pvd) + bytes(end) + os.urandom((blocks - 18) * 2048)


def upload(c, id, name, data, offset=0, total=None, upto=None):
    total = total or len(data)
    _, fds = c.call_fds("vmms.BeginIsoUpload", id=id, name=name, sizeBytes=total, offsetBytes=offset)
    part = data[offset:upto]
    os.write(fds[0], part)
    os.close(fds[0])
    received = offset + len(part)
    return c.call("vmms.EndIsoUpload", id=id, receivedBytes=received, complete=received == total)["iso"]


# --- power ---

def test_a_vm_is_created_started_paused_resumed_reset_and_turned_off(s, c):
    vm = c.call("vmms.CreateVm", vm=vm_body("web01", notes="n", automaticStart="always"))["vm"]
    assert vm["state"] == "off" and vm["notes"] == "n" and vm["comPorts"][1] == {"number": 2, "enabled": True}, vm
    id = vm["id"]
    for action, state in (("start", "running"), ("pause", "paused"), ("resume", "running"), ("reset", "running"), ("turn-off", "off")):
        job = c.call("vmms.VmAction", id=id, action=action)["job"]
        assert job["type"] == "vm." + action
        assert wait_job(s, c, job)["state"] == "succeeded", job
        wait_state(s, c, id, state)
    assert c.call("vmms.GetVm", id=id)["vm"]["stateReason"] == "turned-off"
    assert c.call("vmms.DeleteVm", id=id) == {}
    refused(404, "vm_not_found", c.call, "vmms.GetVm", id=id)


def test_a_guest_shuts_down_and_restarts(s, c):
    id = start_vm(s, c, "guest")
    assert wait_job(s, c, c.call("vmms.VmAction", id=id, action="restart")["job"])["state"] == "succeeded"
    wait_state(s, c, id, "running")
    assert wait_job(s, c, c.call("vmms.VmAction", id=id, action="shutdown")["job"])["state"] == "succeeded"
    assert wait_state(s, c, id, "off")["stateReason"] == "guest-power-off"


def test_an_action_that_does_not_fit_the_state_is_refused(s, c):
    id = start_vm(s, c, "busy")
    for action in ("start", "resume"):
        refused(409, "vm_wrong_state", c.call, "vmms.VmAction", id=id, action=action)
    refused(422, "out_of_range", c.call, "vmms.VmAction", id=id, action="explode")
    refused(409, "vm_not_off", c.call, "vmms.DeleteVm", id=id)
    refused(409, "vm_not_off", c.call, "vmms.UpdateVm", id=id, patch={"processor": {"count": 2}})
    assert c.call("vmms.UpdateVm", id=id, patch={"notes": "hot"})["vm"]["notes"] == "hot"
    c.call("vmms.VmAction", id=id, action="turn-off")
    wait_state(s, c, id, "off")
    for action in ("shutdown", "turn-off", "reset", "restart", "pause", "resume"):
        refused(409, "vm_wrong_state", c.call, "vmms.VmAction", id=id, action=action)


def test_a_guest_that_ignores_the_power_button_can_be_turned_off_or_left_alone(s, c):
    id = start_vm(s, c, "ignore-shutdown")
    job = c.call("vmms.VmAction", id=id, action="shutdown")["job"]
    wait_state(s, c, id, "stopping")
    refused(409, "vm_wrong_state", c.call, "vmms.VmAction", id=id, action="pause")
    c.call("vmms.CancelJob", id=job["id"])
    wait_state(s, c, id, "running")
    assert c.call("vmms.GetJob", id=job["id"])["job"]["state"] == "cancelled"
    refused(409, "job_finished", c.call, "vmms.CancelJob", id=job["id"])
    job = c.call("vmms.VmAction", id=id, action="shutdown")["job"]
    assert wait_job(s, c, c.call("vmms.VmAction", id=id, action="turn-off")["job"])["state"] == "succeeded"
    assert c.call("vmms.GetJob", id=job["id"])["job"]["state"] == "cancelled"


def test_a_worker_that_does_not_turn_off_is_killed(s, c):
    id = start_vm(s, c, "deaf")
    assert wait_job(s, c, c.call("vmms.VmAction", id=id, action="turn-off")["job"])["state"] == "succeeded"
    wait_state(s, c, id, "off")


def test_a_vm_that_hangs_in_starting_can_be_turned_off(s, c):
    vm = c.call("vmms.CreateVm", vm=vm_body("hang-on-start"))["vm"]["id"]
    job = c.call("vmms.VmAction", id=vm, action="start")["job"]
    refused(409, "vm_wrong_state", c.call, "vmms.VmAction", id=vm, action="start")
    c.call("vmms.VmAction", id=vm, action="turn-off")
    s.wait(lambda: c.call("vmms.GetVm", id=vm)["vm"]["state"] == "off")
    assert c.call("vmms.GetJob", id=job["id"])["job"]["state"] == "cancelled"


def paused_for_space(s, c, id):
    vm = wait_state(s, c, id, "paused")
    assert vm["stateReason"].startswith("no-space: ") and "location 3" in vm["stateReason"], vm
    assert vm["health"]["level"] == "critical" and "free space" in vm["health"]["reasons"][0], vm


def test_a_vm_that_finds_its_volume_full_is_paused_with_the_reason_and_goes_on_when_there_is_room(s, c):
    id = start_vm(s, c, "full-once")
    paused_for_space(s, c, id)
    events = [e for e in c.call("vmms.ListEvents", limit=50)["events"] if e["object"]["id"] == id]
    assert events[-1]["severity"] == "error" and events[-1]["data"]["state"] == "paused", events
    vm = wait_state(s, c, id, "running")            # there is room: at the next look
    assert vm["stateReason"] == "" and vm["health"]["level"] == "ok", vm


def mount_volume(s, options):
    subprocess.run(["mount", "-t", "tmpfs", "-o", options, "volume", s.state], check=True)


@contextlib.contextmanager
def volume_of(s, size):
    """vmms with a data volume of so much, and nothing on it; a client of it."""
    s.kill(s.vmms)
    mount_volume(s, f"size={size},uid={s.uid},mode=750")
    try:
        s.start_vmms()
        yield s.client()
    finally:
        subprocess.run(["umount", "-l", s.state], check=True)


def test_a_vm_waits_for_space_until_there_is_enough(s, c):
    with volume_of(s, "32m") as c:
        id = start_vm(s, c, "full-once")
        paused_for_space(s, c, id)
        time.sleep(7)                               # more than one look
        paused_for_space(s, c, id)
        mount_volume(s, "remount,size=128m")
        wait_state(s, c, id, "running")


def test_a_vm_that_waits_for_space_obeys_a_person(s, c):
    id = start_vm(s, c, "full-once")
    paused_for_space(s, c, id)
    assert wait_job(s, c, c.call("vmms.VmAction", id=id, action="resume")["job"])["state"] == "succeeded"
    wait_state(s, c, id, "running")
    assert wait_job(s, c, c.call("vmms.VmAction", id=id, action="pause")["job"])["state"] == "succeeded"
    time.sleep(6)
    assert c.call("vmms.GetVm", id=id)["vm"]["state"] == "paused", "a person paused it"


def test_a_vm_that_finds_no_space_again_is_paused_again_and_can_be_turned_off(s, c):
    id = start_vm(s, c, "full-always")
    paused_for_space(s, c, id)
    assert wait_job(s, c, c.call("vmms.VmAction", id=id, action="resume")["job"])["state"] == "succeeded"
    told = lambda: [e["data"]["state"] for e in c.call("vmms.ListEvents", limit=50)["events"]
                    if e["type"] == "vm.state-changed" and e["object"]["id"] == id]
    s.wait(lambda: told()[-3:] == ["paused", "running", "paused"])
    paused_for_space(s, c, id)
    s.kill(s.vmms)
    s.start_vmms()
    c = s.client()
    paused_for_space(s, c, id)
    assert wait_job(s, c, c.call("vmms.VmAction", id=id, action="turn-off")["job"])["state"] == "succeeded"
    wait_state(s, c, id, "off")


# --- saved state ---

def saved_files(s, id):
    return sorted(n for n in os.listdir(f"{s.state}/vms/{id}") if "saved-state" in n)


def act(s, c, id, action):
    return wait_job(s, c, c.call("vmms.VmAction", id=id, action=action)["job"])


def save_vm(s, c, name):
    id = start_vm(s, c, name)
    job = act(s, c, id, "save")
    assert job["state"] == "succeeded", job
    assert c.call("vmms.GetVm", id=id)["vm"]["state"] == "saved" and saved_files(s, id) == ["saved-state"]
    return id


def given_to(s, id):
    worker = Client(f"{s.run}/vm/{id}.sock")
    status = worker.call("vmwp.GetStatus")
    worker.close()
    return status.get("given", {})


def restart_vmms(s):
    s.kill(s.vmms)
    s.start_vmms()
    return s.client()


def test_a_vm_is_saved_survives_vmms_and_goes_on_as_it_was(s, c):
    id = save_vm(s, c, "sleeper")
    file = os.stat(f"{s.state}/vms/{id}/saved-state")
    assert file.st_mode & 0o777 == 0o600 and file.st_size == len("sleeper"), file
    assert worker_is_gone(s, c, id), "a saved VM has no worker"
    c = restart_vmms(s)
    vm = c.call("vmms.GetVm", id=id)["vm"]
    assert (vm["state"], vm["stateReason"], vm["uptimeSeconds"]) == ("saved", "", 0), vm
    assert act(s, c, id, "start")["state"] == "succeeded"
    wait_state(s, c, id, "running")
    assert given_to(s, id)["restored"] == "sleeper", "it was started, not restored"
    assert saved_files(s, id) == []
    assert act(s, c, id, "turn-off")["state"] == "succeeded"
    assert act(s, c, id, "start")["state"] == "succeeded"
    assert "restored" not in given_to(s, id), "a saved state is used once"


def worker_is_gone(s, c, id):
    return not os.path.exists(f"{s.run}/vm/{id}.sock") or s.wait(lambda: no_listener(f"{s.run}/vm/{id}.sock"))


def no_listener(path):
    try:
        Client(path).close()
        return False
    except OSError:
        return True


def test_a_paused_vm_is_saved_and_what_does_not_fit_is_refused(s, c):
    id = start_vm(s, c, "paused")
    refused(409, "vm_wrong_state", c.call, "vmms.VmAction", id=id, action="discard-saved-state")
    assert act(s, c, id, "pause")["state"] == "succeeded"
    assert act(s, c, id, "save")["state"] == "succeeded"
    for action in ("save", "pause", "resume", "shutdown", "turn-off", "reset", "restart"):
        refused(409, "vm_wrong_state", c.call, "vmms.VmAction", id=id, action=action)
    assert act(s, c, id, "discard-saved-state")["state"] == "succeeded"
    assert c.call("vmms.GetVm", id=id)["vm"]["state"] == "off" and saved_files(s, id) == []
    refused(409, "vm_wrong_state", c.call, "vmms.VmAction", id=id, action="save")
    assert act(s, c, id, "start")["state"] == "succeeded"
    assert "restored" not in given_to(s, id)


def test_what_a_saved_state_depends_on_stays_and_the_rest_may_change(s, c):
    id = save_vm(s, c, "kept")
    for patch in ({"processor": {"count": 2}}, {"memory": {"startupBytes": 128 * MIB}}, {"firmware": {"bootOrder": ["disk"]}},
                  {"integrationServices": {"timeSync": False}}):
        r = refused(409, "vm_not_off", c.call, "vmms.UpdateVm", id=id, patch=patch)
        assert "saved state" in r.parameters["detail"], r
    disk = {"medium": "disk", "source": {"newDisk": {"name": "d", "sizeBytes": 16 * MIB}}}
    refused(409, "vm_wrong_state", c.call, "vmms.AttachDisk", id=id, disk=disk)
    refused(409, "vm_not_off", c.call, "vmms.AttachNetworkAdapter", id=id, adapter={"name": "second"})
    assert c.call("vmms.GetVm", id=id)["vm"]["disks"] == []
    assert c.call("vmms.UpdateVm", id=id, patch={"name": "renamed", "notes": "n"})["vm"]["state"] == "saved"
    assert c.call("vmms.DeleteVm", id=id) == {}
    assert not os.path.exists(f"{s.state}/vms/{id}")


def test_a_volume_without_room_for_the_memory_is_named_before_anything_happens(s, c):
    with volume_of(s, "100m") as c:
        id = start_vm(s, c, "large")
        r = refused(507, "no_space", c.call, "vmms.VmAction", id=id, action="save")
        assert "data volume" in r.parameters["detail"], r
        assert c.call("vmms.GetVm", id=id)["vm"]["state"] == "running" and saved_files(s, id) == []


def test_a_save_that_fails_leaves_the_vm_as_it_was_and_no_file(s, c):
    id = start_vm(s, c, "refuse-save")
    job = act(s, c, id, "save")
    assert job["state"] == "failed" and "The volume is full." in job["error"]["detail"], job
    wait_state(s, c, id, "running")
    assert saved_files(s, id) == []
    assert act(s, c, id, "pause")["state"] == "succeeded"
    assert act(s, c, id, "save")["state"] == "failed"
    wait_state(s, c, id, "paused")
    assert saved_files(s, id) == []


def test_a_worker_that_dies_while_it_saves_fails_its_vm_and_leaves_no_file(s, c):
    id = start_vm(s, c, "die-saving")
    job = act(s, c, id, "save")
    assert job["state"] == "failed", job
    s.wait(lambda: c.call("vmms.GetVm", id=id)["vm"]["state"] == "failed")
    assert saved_files(s, id) == []


def test_vmms_dies_while_a_vm_is_being_saved_and_the_next_lets_it_run_on(s, c):
    for pause, state in ((False, "running"), (True, "paused")):
        id = start_vm(s, c, "hang-on-save" + state)
        if pause:
            assert act(s, c, id, "pause")["state"] == "succeeded"
        c.call("vmms.VmAction", id=id, action="save")
        s.wait(lambda: os.path.getsize(f"{s.state}/vms/{id}/.tmp-saved-state") == 3)
        assert c.call("vmms.GetVm", id=id)["vm"]["state"] == "saving"
        refused(409, "vm_wrong_state", c.call, "vmms.VmAction", id=id, action="start")
        refused(409, "vm_not_off", c.call, "vmms.UpdateVm", id=id, patch={"integrationServices": {"timeSync": False}})
        c = restart_vmms(s)
        wait_state(s, c, id, state)
        assert saved_files(s, id) == []


def test_vmms_dies_after_the_state_is_stored_and_the_next_ends_the_worker(s, c):
    id = start_vm(s, c, "deaf")
    c.call("vmms.VmAction", id=id, action="save")
    s.wait(lambda: saved_files(s, id) == ["saved-state"])
    c = restart_vmms(s)
    assert c.call("vmms.GetVm", id=id)["vm"]["state"] == "saved"
    assert worker_is_gone(s, c, id)
    s.wait(lambda: start_is_possible(c, id))
    wait_state(s, c, id, "running")
    assert given_to(s, id)["restored"] == "deaf"


def start_is_possible(c, id):
    try:
        return c.call("vmms.VmAction", id=id, action="start")["job"]
    except Refused as r:
        assert r.code == "vm_wrong_state", r
        return None


def test_a_saved_state_that_cannot_be_restored_stays_with_the_reason(s, c):
    for name in ("refuse-restore", "crash-on-configure", "refuse-resume"):
        id = save_vm(s, c, "good-" + name)
        c.call("vmms.UpdateVm", id=id, patch={"name": "refuse-configure" if "configure" in name else name})
        job = act(s, c, id, "start")
        assert job["state"] == "failed" and job["error"]["code"] == "restore_failed", job
        vm = c.call("vmms.GetVm", id=id)["vm"]
        assert vm["state"] == "saved" and vm["stateReason"] and vm["health"]["level"] == "warning", vm
        assert saved_files(s, id) == ["saved-state"]
        c = restart_vmms(s)
        assert c.call("vmms.GetVm", id=id)["vm"]["stateReason"] == vm["stateReason"]
        c.call("vmms.UpdateVm", id=id, patch={"name": "better-" + name})
        s.wait(lambda: start_is_possible(c, id))
        wait_state(s, c, id, "running")
        assert given_to(s, id)["restored"] == "good-" + name


def test_a_restore_that_hangs_is_ended_by_a_person_or_a_new_vmms_and_nothing_is_lost(s, c):
    id = save_vm(s, c, "good")
    c.call("vmms.UpdateVm", id=id, patch={"name": "hang-on-restore"})
    for end in (lambda: act(s, c, id, "turn-off") and c, lambda: restart_vmms(s)):
        s.wait(lambda: start_is_possible(c, id))
        assert c.call("vmms.GetVm", id=id)["vm"]["state"] == "restoring"
        s.wait(lambda: f"worker {id} started" in s.log_text())
        c = end()
        wait_state(s, c, id, "saved")
        assert saved_files(s, id) == ["saved-state"]


def test_vmms_dies_when_a_restored_vm_is_about_to_run_and_the_next_lets_it_run(s, c):
    id = save_vm(s, c, "good")
    c.call("vmms.UpdateVm", id=id, patch={"name": "hang-on-resume"})
    c.call("vmms.VmAction", id=id, action="start")
    s.wait(lambda: saved_files(s, id) == [".tmp-saved-state"])
    s.wait(lambda: given_to(s, id).get("resume"))       # asked, and not answered
    c = restart_vmms(s)
    wait_state(s, c, id, "running")
    assert saved_files(s, id) == [], "a state that the guest has left behind must not be kept"


# --- workers that die ---

def worker_pid(s, c, vm):
    line = [l for l in s.log_text().splitlines() if f"worker {vm} started" in l][-1]
    return int(line.split("pid ")[1].split(",")[0])


def test_a_killed_worker_fails_its_vm_with_the_reason_and_no_other(s, c):
    first, second = start_vm(s, c, "first"), start_vm(s, c, "second")
    os.kill(worker_pid(s, c, first), signal.SIGKILL)
    vm = wait_state(s, c, first, "failed")
    assert vm["health"]["level"] == "critical" and "signal 9" in vm["health"]["reasons"][0], vm
    assert c.call("vmms.GetVm", id=second)["vm"]["state"] == "running"
    events = [e for e in c.call("vmms.ListEvents", limit=50)["events"] if e["object"]["id"] == first]
    assert events[-1]["severity"] == "error" and events[-1]["data"]["state"] == "failed", events
    wait_job(s, c, c.call("vmms.VmAction", id=first, action="start")["job"])
    wait_state(s, c, first, "running")


def test_a_start_that_fails_says_why(s, c):
    for name, words in (("crash-on-start", "signal 6"), ("refuse-configure", "cannot be built")):
        vm = c.call("vmms.CreateVm", vm=vm_body(name))["vm"]["id"]
        job = wait_job(s, c, c.call("vmms.VmAction", id=vm, action="start")["job"])
        assert job["state"] == "failed" and words in job["error"]["detail"], job
        assert words in wait_state(s, c, vm, "failed")["stateReason"]
        s.wait(lambda: c.call("vmms.GetHost")["host"]["memory"]["assignedBytes"] == 0)
        c.call("vmms.DeleteVm", id=vm)


def test_a_worker_sees_nothing_it_was_not_given(s, c):
    id = start_vm(s, c, "boxed")
    os.seteuid(s.uid)
    worker = Client(s.run + f"/vm/{id}.sock")
    os.seteuid(0)
    assert worker.call("vmwp.GetStatus")["sandboxHole"] is None
    pid = worker_pid(s, c, id)
    status = dict(l.split(":\t", 1) for l in open(f"/proc/{pid}/status").read().splitlines() if ":\t" in l)
    assert status["NoNewPrivs"] == "1" and int(status["CapBnd"], 16) == 0 and int(status["CapPrm"], 16) == 0, status
    assert status["Uid"].split() == ["61000"] * 4 and status["Groups"].strip() == "", status
    others = [os.readlink(f"/proc/{pid}/ns/{n}") == os.readlink(f"/proc/self/ns/{n}") for n in ("mnt", "net", "ipc", "uts")]
    assert not any(others), others
    assert sorted(os.listdir(f"/proc/{pid}/root")) == ["lib", "lib64", "usr", "vmwp"]


def test_a_worker_that_hangs_costs_only_its_own_vm(s, c):
    hangs = start_vm(s, c, "hangs")
    os.kill(worker_pid(s, c, hangs), signal.SIGSTOP)
    waiting = s.client()
    waiting.send("vmms.GetScreen", {"id": hangs})
    job = c.call("vmms.VmAction", id=hangs, action="pause")["job"]
    other = start_vm(s, c, "other")
    c.call_fds("vmms.GetScreen", id=other)
    refused(423, "locked_by_job", c.call, "vmms.VmAction", id=hangs, action="reset")
    assert c.call("vmms.GetVm", id=hangs)["vm"]["state"] == "running"
    os.kill(worker_pid(s, c, hangs), signal.SIGCONT)
    assert waiting.receive()[0]["width"] == 64
    assert wait_job(s, c, job)["state"] == "succeeded"


# --- the services themselves die ---

def test_running_vms_survive_the_death_of_vmms(s, c):
    running, paused, dies, off = (start_vm(s, c, n) for n in ("running", "paused", "dies", "goes-off"))
    wait_job(s, c, c.call("vmms.VmAction", id=paused, action="pause")["job"])
    pid = worker_pid(s, c, running)
    s.kill(s.vmms)
    os.kill(worker_pid(s, c, dies), signal.SIGKILL)
    os.seteuid(s.uid)
    Client(s.run + f"/vm/{off}.sock").call("vmwp.Shutdown")
    os.seteuid(0)
    s.wait(lambda: s.log_text().count("exited with code 0") == 1 and s.log_text().count("killed by signal 9") == 1)
    s.start_vmms()
    c = s.client()
    wait_state(s, c, running, "running")
    wait_state(s, c, paused, "paused")
    assert "signal 9" in wait_state(s, c, dies, "failed")["stateReason"]
    wait_state(s, c, off, "off")
    assert os.path.exists(f"/proc/{pid}") and worker_pid(s, c, running) == pid
    wait_job(s, c, c.call("vmms.VmAction", id=running, action="turn-off")["job"])
    wait_state(s, c, running, "off")


def test_running_vms_survive_the_death_of_vmpriv(s, c):
    id, dies = start_vm(s, c, "stays"), start_vm(s, c, "leaves")
    s.kill(s.vmpriv)
    os.kill(worker_pid(s, c, dies), signal.SIGKILL)
    os.unlink(s.run + "/priv.sock")
    s.start_vmpriv()
    wait_state(s, c, dies, "failed")
    wait_state(s, c, id, "running")
    s.wait(lambda: "found again" in s.log_text())
    wait_job(s, c, c.call("vmms.VmAction", id=id, action="turn-off")["job"])
    wait_state(s, c, id, "off")


def test_a_start_interrupted_by_the_death_of_vmms_is_reported_and_cleaned_up(s, c):
    vm = c.call("vmms.CreateVm", vm=vm_body("hang-on-start"))["vm"]["id"]
    job = c.call("vmms.VmAction", id=vm, action="start")["job"]["id"]
    s.wait(lambda: f"worker {vm} started" in s.log_text())
    s.kill(s.vmms)
    s.start_vmms()
    c = s.client()
    j = c.call("vmms.GetJob", id=job)["job"]
    assert j["state"] == "failed" and j["error"]["code"] == "interrupted", j
    wait_state(s, c, vm, "off")


def test_events_are_numbered_without_gaps_across_a_restart_and_can_be_resumed(s, c):
    start_vm(s, c, "one")
    before = c.call("vmms.ListEvents", limit=1000)["events"]
    s.kill(s.vmms)
    s.start_vmms()
    c = s.client()
    after = c.call("vmms.ListEvents", since=before[-1]["seq"], limit=1000)["events"]
    assert [e["seq"] for e in before + after] == list(range(1, after[-1]["seq"] + 1))
    assert c.call("vmms.ListEvents", since=(1 << 63) - 1)["events"] == []
    stream = s.client()
    stream.send("vmms.WatchEvents", {"since": before[-1]["seq"]}, more=True)
    assert stream.receive()[0]["event"] == after[0]
    c.call("vmms.CreateDisk", disk={"name": "d", "sizeBytes": MIB})
    while stream.receive()[0]["event"]["type"] != "disk.created":
        pass


# --- media ---

def test_an_iso_arrives_in_parts_and_a_cut_upload_resumes(s, c):
    data, id = iso_image(), str(uuid.uuid4())
    cut = upload(c, id, "cd.iso", data, upto=50000)
    assert (cut["state"], cut["receivedBytes"]) == ("uploading", 50000), cut
    r = refused(409, "wrong_offset", c.call, "vmms.BeginIsoUpload", id=id, name="cd.iso", sizeBytes=len(data), offsetBytes=0)
    assert r.parameters["receivedBytes"] == 50000
    s.kill(s.vmms)
    s.start_vmms()
    c = s.client()
    assert upload(c, id, "cd.iso", data, offset=50000)["state"] == "ready"
    assert open(f"{s.state}/isos/{id}.iso", "rb").read() == data


def test_a_bad_iso_is_refused_and_leaves_nothing(s, c):
    for code, data in (("iso_truncated", iso_image(40, volume_blocks=400)), ("iso_invalid", os.urandom(100000))):
        refused(422, code, upload, c, str(uuid.uuid4()), "bad.iso", data)
    assert c.call("vmms.ListIsos")["isos"] == [] and os.listdir(s.state + "/isos") == []
    small = dict(id=str(uuid.uuid4()), name="x", offsetBytes=0)
    refused(422, "out_of_range", c.call, "vmms.BeginIsoUpload", sizeBytes=100, **small)
    refused(507, "no_space", c.call, "vmms.BeginIsoUpload", sizeBytes=1 << 40, **small)
    refused(422, "out_of_range", c.call, "vmms.BeginIsoUpload", **(small | {"id": "../../etc", "sizeBytes": 100000}))
    refused(422, "out_of_range", c.call, "vmms.BeginIsoUpload", **(small | {"name": "a/b", "sizeBytes": 100000}))


def test_two_uploads_of_one_iso_do_not_mix_and_the_lock_dies_with_its_holder(s, c):
    data, id = iso_image(), str(uuid.uuid4())
    _, fds = c.call_fds("vmms.BeginIsoUpload", id=id, name="cd", sizeBytes=len(data), offsetBytes=0)
    refused(409, "upload_in_progress", c.call, "vmms.BeginIsoUpload", id=id, name="cd", sizeBytes=len(data), offsetBytes=0)
    os.close(fds[0])
    assert upload(c, id, "cd", data)["state"] == "ready"


def test_media_in_use_cannot_be_deleted_or_attached_twice(s, c):
    iso, data = str(uuid.uuid4()), iso_image()
    upload(c, iso, "cd", data)
    disk = c.call("vmms.CreateDisk", disk={"name": "d", "format": "vhd", "sizeBytes": 8 * MIB})["disk"]
    drives = [{"medium": "disk", "source": {"diskId": disk["id"]}}, {"medium": "dvd", "source": {"isoId": iso}}]
    id = start_vm(s, c, "user", disks=drives)
    vm = c.call("vmms.GetVm", id=id)["vm"]
    assert [(d["controller"]["number"], d["controller"]["location"]) for d in vm["disks"]] == [(0, 0), (0, 1)], vm["disks"]
    assert vm["disks"][1]["source"] == {"isoId": iso, "name": "cd"} and vm["disks"][1]["readOnly"]
    assert "user" in str(refused(409, "disk_attached", c.call, "vmms.DeleteDisk", id=disk["id"]))
    assert "user" in str(refused(409, "iso_attached", c.call, "vmms.DeleteIso", id=iso))
    refused(409, "disk_attached", c.call, "vmms.CreateVm", vm=vm_body("other", disks=drives[:1]))
    refused(409, "disk_attached", c.call, "vmms.CreateVm", vm=vm_body("other", disks=drives[:1] * 2))
    assert c.call("vmms.GetDisk", id=disk["id"])["disk"]["attachedTo"] == [{"vmId": id, "vmName": "user"}]
    refused(409, "vm_not_off", c.call, "vmms.DetachDisk", id=id, diskSlotId=vm["disks"][0]["id"])
    eject = {"medium": "dvd", "source": None, "controller": vm["disks"][1]["controller"]}
    assert c.call("vmms.AttachDisk", id=id, disk=eject)["vm"]["disks"][1]["source"] is None
    c.call("vmms.DeleteIso", id=iso)
    c.call("vmms.VmAction", id=id, action="turn-off")
    wait_state(s, c, id, "off")
    assert len(c.call("vmms.DetachDisk", id=id, diskSlotId=vm["disks"][0]["id"])["vm"]["disks"]) == 1
    c.call("vmms.DeleteDisk", id=disk["id"])
    assert os.listdir(s.state + "/disks") == []


def places(vm):
    return [(d["controller"]["type"], d["controller"]["number"], d["controller"]["location"]) for d in vm["disks"]]


def test_scsi_drives_come_and_go_while_a_vm_runs(s, c):
    iso, data = str(uuid.uuid4()), iso_image()
    upload(c, iso, "cd", data)
    disk = c.call("vmms.CreateDisk", disk={"name": "d", "format": "vhdx", "type": "dynamic", "sizeBytes": 8 * MIB})["disk"]
    id = start_vm(s, c, "hot")
    wait_state(s, c, id, "running")
    at = {"type": "scsi", "number": 1, "location": 63}
    vm = c.call("vmms.AttachDisk", id=id, disk={"medium": "disk", "source": {"diskId": disk["id"]}, "controller": at})["vm"]
    assert places(vm) == [("scsi", 1, 63)], vm["disks"]
    refused(409, "position_in_use", c.call, "vmms.AttachDisk", id=id, disk={"medium": "dvd", "source": None, "controller": at})
    refused(409, "disk_attached", c.call, "vmms.DeleteDisk", id=disk["id"])
    vm = c.call("vmms.AttachDisk", id=id, disk={"medium": "dvd", "source": None})["vm"]
    assert places(vm)[1] == ("scsi", 0, 0), "while it runs a free place is one of SCSI"
    new = {"medium": "disk", "source": {"newDisk": {"name": "n", "sizeBytes": MIB}}}
    vm = c.call("vmms.AttachDisk", id=id, disk=new)["vm"]
    assert places(vm)[2] == ("scsi", 0, 1) and vm["disks"][2]["source"]["name"] == "n"
    insert = {"medium": "dvd", "source": {"isoId": iso}, "controller": vm["disks"][1]["controller"]}
    assert c.call("vmms.AttachDisk", id=id, disk=insert)["vm"]["disks"][1]["source"]["isoId"] == iso
    ide = {"type": "ide", "number": 0, "location": 0}
    refused(409, "vm_not_off", c.call, "vmms.AttachDisk", id=id, disk={"medium": "dvd", "source": None, "controller": ide})
    vm = c.call("vmms.DetachDisk", id=id, diskSlotId=vm["disks"][0]["id"])["vm"]
    assert places(vm) == [("scsi", 0, 0), ("scsi", 0, 1)], vm["disks"]
    c.call("vmms.DeleteDisk", id=disk["id"])
    c.call("vmms.VmAction", id=id, action="turn-off")
    wait_state(s, c, id, "off")
    c.call("vmms.VmAction", id=id, action="start")
    wait_state(s, c, id, "running")


def test_a_drive_that_the_worker_does_not_let_go_stays_in_the_configuration(s, c):
    at = {"type": "scsi", "number": 0, "location": 0}
    id = start_vm(s, c, "refuse-detach", disks=[{"medium": "dvd", "source": None, "controller": at}])
    wait_state(s, c, id, "running")
    slot = c.call("vmms.GetVm", id=id)["vm"]["disks"][0]["id"]
    refused(404, "disk_slot_not_found", c.call, "vmms.DetachDisk", id=id, diskSlotId=slot)
    assert places(c.call("vmms.GetVm", id=id)["vm"]) == [("scsi", 0, 0)]


def test_a_disk_made_for_a_drive_that_does_not_come_about_is_removed_again(s, c):
    base = make_disk(c, "base")
    id = start_vm(s, c, "refuse-attach")
    wait_state(s, c, id, "running")
    for spec in ({"name": "new", "sizeBytes": MIB}, {"name": "new", "type": "differencing", "parentId": base["id"]}):
        refused(409, "position_in_use", c.call, "vmms.AttachDisk", id=id, disk={"medium": "disk", "source": {"newDisk": spec}})
        assert [d["name"] for d in c.call("vmms.ListDisks")["disks"]] == ["base"]
    keep = {"medium": "disk", "source": {"diskId": base["id"]}}
    refused(409, "position_in_use", c.call, "vmms.AttachDisk", id=id, disk=keep)
    assert [d["name"] for d in c.call("vmms.ListDisks")["disks"]] == ["base"], "one that was there before stays"


def test_more_drives_than_one_message_carries_are_all_attached(s, c):
    new = [{"medium": "disk", "source": {"newDisk": {"name": f"d{n}", "sizeBytes": MIB}}} for n in range(20)]
    id = start_vm(s, c, "many", disks=new)
    wait_state(s, c, id, "running")
    assert places(c.call("vmms.GetVm", id=id)["vm"])[3:6] == [("ide", 1, 1), ("scsi", 0, 0), ("scsi", 0, 1)]


def test_a_disk_made_with_a_vm_goes_with_it_and_a_failed_creation_leaves_none(s, c):
    new = [{"medium": "disk", "source": {"newDisk": {"name": n, "sizeBytes": MIB}}} for n in ("a", "b", "a")]
    refused(409, "name_in_use", c.call, "vmms.CreateVm", vm=vm_body("v", disks=new))
    assert c.call("vmms.ListDisks")["disks"] == [] and os.listdir(s.state + "/disks") == [] and os.listdir(s.state + "/vms") == []
    vm = c.call("vmms.CreateVm", vm=vm_body("v", disks=new[:2]))["vm"]
    assert len(c.call("vmms.ListDisks")["disks"]) == 2
    c.call("vmms.DetachDisk", id=vm["id"], diskSlotId=vm["disks"][1]["id"])
    c.call("vmms.DeleteVm", id=vm["id"])
    assert [d["name"] for d in c.call("vmms.ListDisks")["disks"]] == ["b"]


# --- console, serial, screen ---

def test_a_running_vm_gives_a_picture_a_serial_port_and_a_console_and_one_that_is_off_does_not(s, c):
    id = start_vm(s, c, "seen")
    p, fds = c.call_fds("vmms.GetScreen", id=id)
    assert (p["width"], p["height"], p["stride"]) == (64, 32, 256)
    assert os.pread(fds[0], 4 * 64 * 32, 0) == struct.pack("<2048I", *range(2048))
    os.close(fds[0])
    _, fds = c.call_fds("vmms.OpenSerial", id=id, port=1)
    os.write(fds[0], b"hello")
    assert os.read(fds[0], 5) == b"hello"
    os.close(fds[0])
    refused(404, "port_not_found", c.call, "vmms.OpenSerial", id=id, port=3)
    for view_only in (False, True):
        _, fds = c.call_fds("vmms.OpenConsole", id=id, viewOnly=view_only)
        assert os.read(fds[0], 12) == b"RFB 003.008\n"
        os.close(fds[0])
    c.call("vmms.VmAction", id=id, action="turn-off")
    wait_state(s, c, id, "off")
    for method, more in (("OpenConsole", {}), ("GetScreen", {}), ("OpenSerial", {"port": 1})):
        refused(409, "vm_not_running", c.call, "vmms." + method, id=id, **more)


# --- wrong input ---

def test_every_limit_is_refused_with_field_and_number(s, c):
    m = lambda b: {"startupBytes": b}
    host = c.call("vmms.GetHost")["host"]
    rows = [
        ("out_of_range", "processor.count", "64", {"processor": {"count": 0}}),
        ("out_of_range", "processor.count", "64", {"processor": {"count": 10000}}),
        ("out_of_range", "processor.count", str(host["limits"]["maximumProcessors"]), {"processor": {"count": 64}}),
        ("wrong_type", "processor.count", "whole number", {"processor": {"count": "2"}}),
        ("wrong_type", "processor.count", "whole number", {"processor": {"count": 1.5}}),
        ("missing_field", "processor.count", "missing", {"processor": {}}),
        ("out_of_range", "memory.startupBytes", "33554432", {"memory": m(31 * MIB)}),
        ("out_of_range", "memory.startupBytes", "4398046511104", {"memory": m(5 << 40)}),
        ("out_of_range", "memory.startupBytes", "2 MiB", {"memory": m(64 * MIB + 1)}),
        ("out_of_range", "memory.startupBytes", str(host["memory"]["totalBytes"]), {"memory": m(1 << 40)}),
        ("out_of_range", "name", "64", {"name": "x" * 65}),
        ("out_of_range", "name", "empty", {"name": ""}),
        ("out_of_range", "name", "slash", {"name": "a/b"}),
        ("out_of_range", "name", "space", {"name": " a"}),
        ("wrong_type", "name", "text", {"name": None}),
        ("unknown_field", "colour", "colour", {"colour": "red"}),
        ("unknown_field", "memory.color", "color", {"memory": m(64 * MIB) | {"color": 1}}),
        ("out_of_range", "generation", "2", {"generation": 3}),
        ("out_of_range", "memory.minimumBytes", "67108864", {"memory": m(64 * MIB) | {"dynamic": True, "minimumBytes": 128 * MIB}}),
        ("out_of_range", "memory.maximumBytes", "67108864", {"memory": m(64 * MIB) | {"dynamic": True, "maximumBytes": 32 * MIB}}),
        ("too_many", "networkAdapters", "8", {"networkAdapters": [{}] * 9}),
        ("out_of_range", "networkAdapters[0].switchId", "no switch", {"networkAdapters": [{"switchId": str(uuid.uuid4())}]}),
        ("out_of_range", "networkAdapters[0].macAddress", "one adapter", {"networkAdapters": [{"macAddress": "01:00:5e:00:00:01"}]}),
        ("out_of_range", "networkAdapters[1].vlan.id", "4094", {"networkAdapters": [{}, {"vlan": {"mode": "access", "id": 4095}}]}),
        ("unknown_field", "networkAdapters[0].id", "id", {"networkAdapters": [{"id": str(uuid.uuid4())}]}),
        ("not_supported_yet", "firmware.secureBoot", "Secure", {"firmware": {"secureBoot": True}}),
        ("not_supported_yet", "firmware.bootOrder[0]", "network", {"firmware": {"bootOrder": ["network"]}}),
        ("out_of_range", "firmware.bootOrder[1]", "once", {"firmware": {"bootOrder": ["dvd", "dvd"]}}),
        ("out_of_range", "firmware.bootOrder", "entry", {"firmware": {"bootOrder": []}}),
        ("out_of_range", "automaticStart", "if-was-running", {"automaticStart": "maybe"}),
        ("too_many", "disks", "64", {"disks": [{"medium": "dvd", "source": None}] * 65}),
        ("out_of_range", "disks[0].controller.number", "3",
         {"disks": [{"medium": "dvd", "source": None, "controller": {"type": "scsi", "number": 4, "location": 0}}]}),
        ("out_of_range", "disks[0].controller.location", "63",
         {"disks": [{"medium": "dvd", "source": None, "controller": {"type": "scsi", "number": 0, "location": 64}}]}),
        ("out_of_range", "disks[0].controller", "generation 2",
         {"generation": 2, "disks": [{"medium": "dvd", "source": None, "controller": {"type": "ide", "number": 0, "location": 0}}]}),
        ("out_of_range", "disks[0].controller.number", "1",
         {"disks": [{"medium": "dvd", "source": None, "controller": {"type": "ide", "number": 2, "location": 0}}]}),
        ("missing_field", "disks[0].source", "source", {"disks": [{"medium": "disk"}]}),
        ("out_of_range", "disks[0].source.diskId", "UUID", {"disks": [{"medium": "disk", "source": {"diskId": "../x"}}]}),
        ("out_of_range", "disks[0].source", "no disk", {"disks": [{"medium": "disk", "source": {"diskId": str(uuid.uuid4())}}]}),
        ("unknown_field", "disks[0].id", "id", {"disks": [{"medium": "dvd", "source": None, "id": str(uuid.uuid4())}]}),
        ("out_of_range", "disks[0].source.newDisk.sizeBytes", "70368744177664",
         {"disks": [{"medium": "disk", "source": {"newDisk": {"name": "d", "sizeBytes": 65 << 40}}}]}),
        ("out_of_range", "disks[0].source.newDisk.sizeBytes", "512",
         {"disks": [{"medium": "disk", "source": {"newDisk": {"name": "d", "sizeBytes": MIB + 1}}}]}),
    ]
    for code, field, words, change in rows:
        r = refused(422, code, c.call, "vmms.CreateVm", vm=vm_body("bad") | change)
        assert r.parameters.get("field") == field and words in r.parameters["detail"], f"{change}: {r}"
    position = {"type": "ide", "number": 1, "location": 0}
    twice = [{"medium": "dvd", "source": None, "controller": position}] * 2
    refused(409, "position_in_use", c.call, "vmms.CreateVm", vm=vm_body("bad", disks=twice))
    assert c.call("vmms.ListVms")["vms"] == [] and os.listdir(s.state + "/vms") == []
    many = c.call("vmms.CreateVm", vm=vm_body("many") | {"processor": {"count": 64, "overcommit": True}})["vm"]
    assert many["processor"] == {"count": 64, "weight": 100, "limitPercent": 100, "reservePercent": 0, "overcommit": True}


def test_names_are_unique_without_regard_to_case_and_stale_etags_are_refused(s, c):
    vm = c.call("vmms.CreateVm", vm=vm_body("Web"))["vm"]
    refused(409, "name_in_use", c.call, "vmms.CreateVm", vm=vm_body("wEB"))
    changed = c.call("vmms.UpdateVm", id=vm["id"], etag=vm["etag"], patch={"name": "web", "memory": {"startupBytes": 128 * MIB}})["vm"]
    assert (changed["name"], changed["memory"]["startupBytes"], changed["processor"]) == ("web", 128 * MIB, vm["processor"])
    refused(412, "stale_etag", c.call, "vmms.UpdateVm", id=vm["id"], etag=vm["etag"], patch={"notes": "x"})
    refused(412, "stale_etag", c.call, "vmms.DeleteVm", id=vm["id"], etag=vm["etag"])
    refused(422, "missing_field", c.call, "vmms.UpdateVm", id=vm["id"], patch={"name": None})
    refused(422, "unknown_field", c.call, "vmms.UpdateVm", id=vm["id"], patch={"disks": []})
    refused(422, "unknown_field", c.call, "vmms.UpdateVm", id=vm["id"], patch={"state": "running"})
    assert c.call("vmms.UpdateVm", id=vm["id"], patch={"notes": None})["vm"]["notes"] == ""
    assert c.call("vmms.GetVm", id=vm["id"])["vm"]["name"] == "web"


def test_unknown_methods_and_parameters_are_refused(s, c):
    refused(404, "method_not_found", c.call, "vmms.Explode")
    refused(400, "bad_parameters", c.call, "vmms.GetVm")
    refused(400, "bad_parameters", c.call, "vmms.GetVm", id="x", extra=1)
    refused(400, "bad_parameters", c.call, "vmms.ListEvents", since="yesterday")
    refused(404, "vm_not_found", c.call, "vmms.GetVm", id="x")


def leave_only(s, c, megabytes):
    """So much for VMs, whatever else this host does: more is taken by VMs whose memory nobody touches."""
    while True:
        m = c.call("vmms.GetHostMemory")["memory"]
        room = m["totalBytes"] - m["reserveBytes"] - m["assignedBytes"] - m["overheadBytes"] - 48 * MIB     # a worker's own, of the next
        more = min(room - (megabytes + 48) * MIB, m["availableBytes"] * 3 // 4) // (2 * MIB) * 2 * MIB
        if more < 32 * MIB:
            return
        start_vm(s, c, "filler-" + str(uuid.uuid4())[:8], memory={"startupBytes": more})


def test_a_start_that_the_host_has_no_memory_for_is_refused(s, c):
    host = c.call("vmms.GetHost")["host"]["memory"]
    bytes = host["totalBytes"] // (2 * MIB) * 2 * MIB
    id = c.call("vmms.CreateVm", vm=vm_body("big", memory={"startupBytes": bytes}))["vm"]["id"]
    r = refused(507, "no_memory", c.call, "vmms.VmAction", id=id, action="start")
    assert str(bytes) in r.parameters["detail"]
    leave_only(s, c, 600)
    start_vm(s, c, "first", memory={"startupBytes": 400 * MIB})
    id = c.call("vmms.CreateVm", vm=vm_body("second", memory={"startupBytes": 400 * MIB}))["vm"]["id"]
    refused(507, "no_memory", c.call, "vmms.VmAction", id=id, action="start")
    assert c.call("vmms.GetVm", id=id)["vm"]["state"] == "off"


def test_a_starting_vm_gets_the_memory_that_another_does_not_need(s, c):
    free = c.call("vmms.GetHost")["host"]["memory"]["availableBytes"] // MIB * MIB
    big = {"startupBytes": (free - 1024 * MIB) // (2 * MIB) * 2 * MIB, "dynamic": True, "minimumBytes": 128 * MIB}
    first = start_vm(s, c, "demand-100", memory=big)
    s.wait(lambda: c.call("vmms.GetVm", id=first)["vm"]["memory"]["status"] == "ok")
    left = c.call("vmms.GetHost")["host"]["memory"]["availableBytes"]       # more than 1 GiB where other programs hold memory
    start_vm(s, c, "second", memory={"startupBytes": (left + 2048 * MIB) // (2 * MIB) * 2 * MIB})
    m = c.call("vmms.GetVm", id=first)["vm"]["memory"]
    assert m["assignedBytes"] < big["startupBytes"] and m["demandBytes"] == 100 * MIB and "share by weight" in m["reason"], m
    id = c.call("vmms.CreateVm", vm=vm_body("third", memory={"startupBytes": free // (2 * MIB) * 2 * MIB}))["vm"]["id"]
    r = refused(507, "no_memory", c.call, "vmms.VmAction", id=id, action="start")
    assert "are missing" in r.parameters["detail"], r


def test_a_guest_that_needs_more_gets_it_up_to_its_maximum(s, c):
    vm = start_vm(s, c, "demand-1000", memory={"startupBytes": 512 * MIB, "dynamic": True, "maximumBytes": 1100 * MIB})
    m = s.wait(lambda: (m := c.call("vmms.GetVm", id=vm)["vm"]["memory"])["assignedBytes"] > 512 * MIB and m)
    assert m["assignedBytes"] == 1100 * MIB and "needs more" in m["reason"], m
    blocks = start_vm(s, c, "demand-600", memory={"startupBytes": 512 * MIB, "dynamic": True, "maximumBytes": 2048 * MIB})
    m = s.wait(lambda: (m := c.call("vmms.GetVm", id=blocks)["vm"]["memory"])["assignedBytes"] > 512 * MIB and m)
    assert m["assignedBytes"] == 768 * MIB, m       # 720 would do; guests add memory in blocks of 128
    static = start_vm(s, c, "static")
    assert c.call("vmms.GetVm", id=static)["vm"]["memory"]["status"] == "unavailable"


def paging_files(s):
    return [s.state + "/paging/" + name for name in os.listdir(s.state + "/paging")]


def smart_paging_events(c, vm):
    return [e["data"]["state"] for e in c.call("vmms.ListEvents", limit=1000)["events"] if e["type"] == "vm.smart-paging" and e["object"]["id"] == vm]


def test_a_restart_that_memory_is_short_for_uses_a_paging_file_until_the_guest_gives_back(s, c):
    leave_only(s, c, 600)
    vm = start_vm(s, c, "demand-100", memory={"startupBytes": 512 * MIB, "dynamic": True, "minimumBytes": 128 * MIB})
    s.wait(lambda: c.call("vmms.GetVm", id=vm)["vm"]["memory"]["status"] == "ok")
    start_vm(s, c, "other", memory={"startupBytes": 256 * MIB})
    memory = lambda: c.call("vmms.GetVm", id=vm)["vm"]["memory"]
    s.wait(lambda: memory()["assignedBytes"] < 400 * MIB)
    for number, action in enumerate(("restart", "reset"), 1):
        job = wait_job(s, c, c.call("vmms.VmAction", id=vm, action=action)["job"])
        assert job["state"] == "succeeded", job
        s.wait(lambda: smart_paging_events(c, vm).count("ended") == number)
        assert smart_paging_events(c, vm).count("began") == number, smart_paging_events(c, vm)
        assert memory()["smartPagingBytes"] == 0 and memory()["assignedBytes"] < 400 * MIB, memory()
        assert paging_files(s) == []
    m = c.call("vmms.GetHostMemory")["memory"]
    assert m["assignedBytes"] + m["reserveBytes"] <= m["totalBytes"], m


def test_a_paging_file_is_roots_alone_survives_vmms_and_goes_when_the_host_has_the_memory(s, c):
    leave_only(s, c, 600)
    vm = start_vm(s, c, "late", memory={"startupBytes": 512 * MIB, "dynamic": True, "minimumBytes": 128 * MIB})
    other = c.call("vmms.CreateVm", vm=vm_body("late-other", memory={"startupBytes": 512 * MIB, "dynamic": True, "minimumBytes": 128 * MIB}))["vm"]["id"]
    reserve = c.call("vmms.GetHostMemory")["memory"]["reserveBytes"]
    c.call("vmms.UpdateHostMemory", patch={"reserveBytes": reserve + 300 * MIB})
    restart = lambda: wait_job(s, c, c.call("vmms.VmAction", id=vm, action="restart")["job"])
    paged = lambda: c.call("vmms.GetVm", id=vm)["vm"]["memory"]["smartPagingBytes"]
    assert restart()["state"] == "succeeded"
    bytes = paged()
    assert 200 * MIB <= bytes <= 384 * MIB, bytes // MIB
    path, = paging_files(s)
    st = os.stat(path)
    assert (st.st_uid, st.st_gid, st.st_mode & 0o7777) == (0, 0, 0o600) and os.path.basename(path).startswith(vm), st
    with open(path, "rb") as file:
        header = file.read(4096)
    assert header[-10:] == b"SWAPSPACE2" and struct.unpack_from("<II", header, 1024) == (1, bytes // 4096) and st.st_size == bytes + 4096, header[1024:1040]
    assert f"limits of vm-{vm}: {(512 * MIB - bytes + 48 * MIB) // MIB} MiB resident, {bytes // MIB} MiB paged" in s.log_text()
    alarm, = s.wait(lambda: [a for a in c.call("vmms.ListAlarms")["alarms"] if a["object"]["id"] == vm])
    assert alarm["type"] == "vm.smart-paging" and "paging file" in alarm["message"], alarm
    refused(507, "no_memory", c.call, "vmms.VmAction", id=other, action="start")        # from off there is none
    with open(f"{s.state}/paging/{other}-01234567", "wb") as file:
        file.write(b"left by a crash")
    s.kill(s.vmms)
    s.start_vmms()
    c = s.client()
    s.wait(lambda: paging_files(s) == [path])
    s.wait(lambda: paged() == bytes)
    c.call("vmms.UpdateHostMemory", patch={"reserveBytes": reserve + 100 * MIB})
    s.wait(lambda: 0 < paged() < 200 * MIB)
    c.call("vmms.UpdateHostMemory", patch={"reserveBytes": reserve})
    s.wait(lambda: paged() == 0 and paging_files(s) == [])
    c.call("vmms.UpdateHostMemory", patch={"reserveBytes": reserve + 300 * MIB})
    assert restart()["state"] == "succeeded" and paged() > 0
    wait_job(s, c, c.call("vmms.VmAction", id=vm, action="turn-off")["job"])
    s.wait(lambda: paging_files(s) == [])
    assert smart_paging_events(c, vm) == ["began", "ended", "began", "ended"], smart_paging_events(c, vm)
    volume = c.call("vmms.ListVolumes")["volumes"][0]["id"]
    patch = lambda id: c.call("vmms.UpdateVm", id=vm, patch={"memory": {"smartPagingVolumeId": id}})["vm"]["memory"]
    assert patch(volume)["smartPagingVolumeId"] == volume
    assert "smartPagingVolumeId" not in patch(None)
    refused(422, "out_of_range", patch, str(uuid.uuid4()))


def test_memory_settings_change_while_a_vm_runs(s, c):
    patch = lambda vm, **memory: c.call("vmms.UpdateVm", id=vm, patch={"memory": memory})["vm"]["memory"]
    held = lambda vm: c.call("vmms.GetVm", id=vm)["vm"]["memory"]["assignedBytes"]
    vm = start_vm(s, c, "demand-1000", memory={"startupBytes": 512 * MIB, "dynamic": True, "minimumBytes": 512 * MIB, "maximumBytes": 512 * MIB})
    s.wait(lambda: c.call("vmms.GetVm", id=vm)["vm"]["memory"]["status"] == "warning")
    patch(vm, maximumBytes=1024 * MIB, minimumBytes=128 * MIB, bufferPercent=5, weight=9)
    s.wait(lambda: held(vm) == 1024 * MIB)
    refused(409, "vm_not_off", c.call, "vmms.UpdateVm", id=vm, patch={"memory": {"startupBytes": 256 * MIB}})
    static = start_vm(s, c, "balloon", memory={"startupBytes": 512 * MIB})
    s.wait(lambda: c.call("vmms.GetVm", id=static)["vm"]["memory"]["availableBytes"])
    patch(static, startupBytes=1024 * MIB)
    s.wait(lambda: held(static) == 1024 * MIB)
    patch(static, startupBytes=256 * MIB)
    s.wait(lambda: held(static) == 256 * MIB)
    m = c.call("vmms.GetVm", id=static)["vm"]["memory"]
    assert "Lowered from 1024 to 256 MiB: its settings were changed" in m["reason"], m
    total = c.call("vmms.GetHost")["host"]["memory"]["totalBytes"] // (2 * MIB) * 2 * MIB
    refused(507, "no_memory", c.call, "vmms.UpdateVm", id=static, patch={"memory": {"startupBytes": total}})
    without = start_vm(s, c, "without-driver", memory={"startupBytes": 256 * MIB})
    refused(409, "vm_not_off", c.call, "vmms.UpdateVm", id=without, patch={"memory": {"startupBytes": 512 * MIB}})
    assert held(without) == 256 * MIB


def test_processors_are_pinned_and_cores_are_not_shared_unless_that_is_wanted(s, c):
    vm = start_vm(s, c, "alone", processor={"count": 1, "pinnedProcessors": [0]})
    now = c.call("vmms.GetVm", id=vm)["vm"]
    assert now["processor"]["pinnedProcessors"] == [0] and now["coreScheduling"] in ("on", "not-needed", "unavailable"), now
    assert "pinnedProcessors" not in c.call("vmms.UpdateVm", id=vm, patch={"processor": {"pinnedProcessors": []}})["vm"]["processor"]
    refused(422, "out_of_range", c.call, "vmms.UpdateVm", id=vm, patch={"processor": {"pinnedProcessors": [511]}})
    other = start_vm(s, c, "shares", processor={"count": 1, "shareCores": True})
    assert c.call("vmms.GetVm", id=other)["vm"]["coreScheduling"] == "off"
    os.seteuid(s.uid)
    p = Client(s.run + "/priv.sock")
    os.seteuid(0)
    refused(400, "bad_parameters", p.call, "vmpriv.SetProcessor", id=vm, weight=100, quotaUsec=0, cpus="0\n")
    refused(400, "bad_parameters", p.call, "vmpriv.SetProcessor", id=vm, weight=100, quotaUsec=0, cpus="0-" * 2000)


def test_metrics_of_host_and_vms_come_in_steps(s, c):
    vm = start_vm(s, c, "demand-50", memory={"startupBytes": 128 * MIB, "dynamic": True, "minimumBytes": 128 * MIB})
    off = c.call("vmms.CreateVm", vm=vm_body("off"))["vm"]["id"]
    get = lambda: c.call("vmms.GetVmMetrics", id=vm)["metrics"]
    m = s.wait(lambda: (m := get())["series"]["cpuPercent"][-1] is not None and m)
    assert (m["range"], m["stepSeconds"]) == ("minutes", 2) and m["endTime"].endswith("Z"), m
    assert {len(values) for values in m["series"].values()} == {149}, "columns of one length"
    last = {name: values[-1] for name, values in m["series"].items()}
    assert 0 < last["cpuPercent"] <= 100 and last["diskReadBytesPerSecond"] > 0 and last["diskWriteBytesPerSecond"] == 0, last
    assert last["memoryAssignedBytes"] == 128 * MIB and last["memoryDemandBytes"] == 50 * MIB, last
    assert m["series"]["cpuPercent"][0] is None, "five minutes ago there was no VM"
    host = s.wait(lambda: (h := c.call("vmms.GetHostMetrics")["metrics"])["vms"][0]["cpuPercent"] and h)
    assert [v["id"] for v in host["vms"]] == [vm] and host["vms"][0]["cpuPercent"] > 0, host["vms"]
    s.wait(lambda: c.call("vmms.GetHostMetrics", range="minutes")["metrics"]["series"]["memoryAssignedBytes"][-1] == 128 * MIB)
    assert c.call("vmms.GetHostMetrics", range="day")["metrics"]["stepSeconds"] == 300
    assert set(c.call("vmms.GetVmMetrics", id=off)["metrics"]["series"]["cpuPercent"]) == {None}
    meters = c.call("vmms.GetMeters")
    running = {v["name"]: v for v in meters["vms"]}
    assert running["demand-50"]["cpuUsec"] > 0 and running["demand-50"]["running"] == 1 and "cpuUsec" not in running["off"], meters
    assert meters["host"]["vms"] == 2 and meters["host"]["alarms"] >= 0, meters["host"]
    known = lambda series: [v for v in series["series"]["cpuPercent"] if v is not None]
    for how, kept in ((signal.SIGTERM, "all"), (signal.SIGKILL, "most")):
        before = known(get())
        s.kill(s.vmms, how)
        s.start_vmms()
        c = s.client()
        after = known(c.call("vmms.GetVmMetrics", id=vm)["metrics"])
        assert after[:1] == before[:1] and len(after) + (0 if kept == "all" else 3) >= len(before), (how, before, after)
        assert len(known(c.call("vmms.GetHostMetrics")["metrics"])) > 0
    c.call("vmms.DeleteVm", id=off)
    assert sorted(os.listdir(s.run + "/metrics")) == sorted([vm, "host"])


def test_the_host_says_who_holds_its_memory_and_the_reserve_can_be_set(s, c):
    small = start_vm(s, c, "small")
    large = start_vm(s, c, "demand-300", memory={"startupBytes": 512 * MIB, "dynamic": True, "minimumBytes": 128 * MIB, "weight": 7})
    s.wait(lambda: c.call("vmms.GetVm", id=large)["vm"]["memory"]["status"] == "ok")
    m = c.call("vmms.GetHostMemory")["memory"]
    assert [h["id"] for h in m["holders"]] == [large, small], m
    assert m["holders"][0]["couldGiveBytes"] == 384 * MIB and m["holders"][0]["weight"] == 7 and m["holders"][1]["couldGiveBytes"] == 0, m
    assert m["assignedBytes"] == 576 * MIB and m["reserveIsComputed"] and m["reserveBytes"] >= 256 * MIB, m
    more = m["reserveBytes"] + 512 * MIB
    changed = c.call("vmms.UpdateHostMemory", patch={"reserveBytes": more}, etag=m["etag"])["memory"]
    assert changed["reserveBytes"] == more and not changed["reserveIsComputed"] and changed["etag"] != m["etag"], changed
    refused(412, "stale_etag", c.call, "vmms.UpdateHostMemory", patch={"reserveBytes": None}, etag=m["etag"])
    refused(422, "out_of_range", c.call, "vmms.UpdateHostMemory", patch={"reserveBytes": 1 << 50})
    refused(422, "unknown_field", c.call, "vmms.UpdateHostMemory", patch={"reserve": 1})
    s.kill(s.vmms)
    s.start_vmms()
    c = s.client()
    assert c.call("vmms.GetHostMemory")["memory"]["reserveBytes"] == more
    assert c.call("vmms.UpdateHostMemory", patch={"reserveBytes": None})["memory"]["reserveBytes"] == m["reserveBytes"]


def test_an_alarm_is_raised_once_and_cleared_when_it_is_over(s, c):
    id = start_vm(s, c, "dies")
    alarms = lambda: [a for a in c.call("vmms.ListAlarms")["alarms"] if a["object"]["id"] == id]
    assert alarms() == []
    os.kill(worker_pid(s, c, id), signal.SIGKILL)
    alarm, = s.wait(alarms)
    assert alarm["type"] == "vm.failed" and alarm["severity"] == "error" and alarm["object"]["id"] == id, alarm
    assert "signal 9" in alarm["message"] and alarm["id"] == "vm.failed:" + id, alarm
    wait_job(s, c, c.call("vmms.VmAction", id=id, action="start")["job"])
    s.wait(lambda: alarms() == [])
    told = [e["type"] for e in c.call("vmms.ListEvents", limit=100)["events"] if e["type"].startswith("alarm.") and e["object"]["id"] == id]
    assert told == ["alarm.raised", "alarm.cleared"], told


def make_disk(c, name, **spec):
    return c.call("vmms.CreateDisk", disk={"name": name, "sizeBytes": 64 * MIB} | spec)["disk"]


def disk_job(s, c, disk, action, **options):
    return wait_job(s, c, c.call("vmms.DiskAction", id=disk["id"], action=action, options=options)["job"])


def qemu_img(s, *arguments):
    return subprocess.run(["qemu-img", *arguments], capture_output=True, text=True, cwd=s.state + "/disks")


def test_disks_of_every_format_and_type_are_what_qemu_takes_them_for(s, c):
    for format, type in (("raw", "fixed"), ("vhd", "fixed"), ("vhd", "dynamic"), ("vhdx", "fixed"), ("vhdx", "dynamic")):
        d = make_disk(c, f"{format} {type}", format=format, type=type)
        assert (d["format"], d["type"], d["sizeBytes"]) == (format, type, 64 * MIB), d
        as_qemu = {"vhd": "vpc"}.get(format, format)
        r = qemu_img(s, "info", "-f", as_qemu, d["id"] + "." + format)
        assert r.returncode == 0 and "64 MiB (67108864" in r.stdout, r
    default = c.call("vmms.CreateDisk", disk={"name": "default", "sizeBytes": 64 * MIB})["disk"]
    assert (default["format"], default["type"]) == ("vhdx", "dynamic") and default["allocatedBytes"] < 16 * MIB, default
    for change, field in (({"format": "raw", "type": "dynamic"}, "type"), ({"sizeBytes": 65 << 40}, "sizeBytes"), ({"format": "vhd", "sizeBytes": 3 << 40}, "sizeBytes"),
                          ({"blockBytes": 3 * MIB}, "blockBytes"), ({"type": "differencing"}, "parentId")):
        r = refused(422, "missing_field" if field == "parentId" else "out_of_range", make_disk, c, "bad", **change)
        assert r.parameters["field"] == field, r


def test_a_parent_is_kept_as_long_as_a_differencing_disk_needs_it(s, c):
    base = make_disk(c, "base")
    child = c.call("vmms.CreateDisk", disk={"name": "child", "type": "differencing", "parentId": base["id"]})["disk"]
    assert child["parent"]["name"] == "base" and child["sizeBytes"] == 64 * MIB, child
    assert c.call("vmms.GetDisk", id=base["id"])["disk"]["children"] == [{"id": child["id"], "name": "child"}]
    refused(409, "disk_has_children", c.call, "vmms.DeleteDisk", id=base["id"])
    refused(409, "disk_has_children", disk_job, s, c, base, "resize", sizeBytes=128 * MIB)
    assert disk_job(s, c, child, "merge")["state"] == "succeeded"
    refused(404, "disk_not_found", c.call, "vmms.GetDisk", id=child["id"])
    assert c.call("vmms.GetDisk", id=base["id"])["disk"]["children"] == []
    refused(422, "out_of_range", disk_job, s, c, base, "merge")
    c.call("vmms.DeleteDisk", id=base["id"])
    assert os.listdir(s.state + "/disks") == []


def chain_of(c, *names):
    """Differencing disks over each other, the lowest first; their ids."""
    ids = []
    for name in names:
        spec = {"type": "differencing", "parentId": ids[-1]} if ids else {"sizeBytes": 64 * MIB}
        ids.append(c.call("vmms.CreateDisk", disk={"name": name} | spec)["disk"]["id"])
    return ids


def test_a_disk_in_the_middle_of_a_chain_is_merged_and_what_lay_over_it_lies_over_its_parent(s, c):
    ids = chain_of(c, "base", "middle", "top", "tip")
    vm = start_vm(s, c, "user", disks=[{"medium": "disk", "source": {"diskId": ids[3]}}])
    wait_state(s, c, vm, "running")
    refused(409, "disk_attached", disk_job, s, c, {"id": ids[1]}, "merge")
    c.call("vmms.VmAction", id=vm, action="turn-off")
    wait_state(s, c, vm, "off")
    job = disk_job(s, c, {"id": ids[1]}, "merge")
    assert job["state"] == "succeeded", job
    by_id = {d["id"]: d for d in c.call("vmms.ListDisks")["disks"]}
    assert sorted(by_id) == sorted([ids[0], ids[2], ids[3]]) and by_id[ids[2]]["parent"]["id"] == ids[0], by_id
    s.kill(s.vmms)
    s.start_vmms()
    c = s.client()
    c.call("vmms.VmAction", id=vm, action="start")
    wait_state(s, c, vm, "running")


def test_a_merge_in_the_middle_of_a_chain_that_was_cut_off_is_finished_by_the_next_open(s, c):
    ids = chain_of(c, "base", "middle", "top")
    kept = {n: open(f"{s.state}/disks/{n}.json").read() for n in ids[1:]}
    middle = open(f"{s.state}/disks/{ids[1]}.vhdx", "rb").read()
    assert disk_job(s, c, {"id": ids[1]}, "merge")["state"] == "succeeded"
    s.kill(s.vmms)
    # As if it had been cut off when the top's file named the base and nothing else had happened.
    open(f"{s.state}/disks/{ids[1]}.vhdx", "wb").write(middle)
    for n, text in kept.items():
        open(f"{s.state}/disks/{n}.json", "w").write(text)
    os.system(f"chown -R {s.uid} {s.state}")
    s.start_vmms()
    c = s.client()
    assert c.call("vmms.GetDisk", id=ids[2])["disk"]["parent"]["id"] == ids[1]
    vm = start_vm(s, c, "user", disks=[{"medium": "disk", "source": {"diskId": ids[2]}}])
    wait_state(s, c, vm, "running")
    assert c.call("vmms.GetDisk", id=ids[2])["disk"]["parent"]["id"] == ids[0]
    c.call("vmms.DeleteDisk", id=ids[1])


def start_after_failure(s, c, vm):
    """The worker of the start that failed may still be ending."""
    def tried():
        try:
            return c.call("vmms.VmAction", id=vm, action="start")
        except Refused as r:
            assert r.code == "vm_wrong_state", r
    return s.wait(tried)


def test_a_merge_that_a_crash_cut_off_before_the_child_went_is_done_again(s, c):
    for again in ("merge", "delete"):
        base = make_disk(c, "base " + again)
        child = c.call("vmms.CreateDisk", disk={"name": "child " + again, "type": "differencing", "parentId": base["id"]})["disk"]
        # The drive has the parent already, the child is still there.
        vm = c.call("vmms.CreateVm", vm=vm_body("user " + again, disks=[{"medium": "disk", "source": {"diskId": base["id"]}}]))["vm"]
        job = wait_job(s, c, c.call("vmms.VmAction", id=vm["id"], action="start")["job"])
        assert job["state"] == "failed" and "can only be read" in job["error"]["detail"], job
        if again == "merge":
            assert disk_job(s, c, child, "merge")["state"] == "succeeded"
        else:
            c.call("vmms.DeleteDisk", id=child["id"])
        start_after_failure(s, c, vm["id"])
        wait_state(s, c, vm["id"], "running")


def test_a_disk_made_with_a_vm_stays_while_another_is_laid_over_it(s, c):
    new = {"newDisk": {"name": "base", "sizeBytes": 64 * MIB}}
    vm = c.call("vmms.CreateVm", vm=vm_body("user", disks=[{"medium": "disk", "source": new}]))["vm"]
    base = vm["disks"][0]["source"]["diskId"]
    c.call("vmms.DetachDisk", id=vm["id"], diskSlotId=vm["disks"][0]["id"])
    child = c.call("vmms.CreateDisk", disk={"name": "child", "type": "differencing", "parentId": base})["disk"]
    c.call("vmms.AttachDisk", id=vm["id"], disk={"medium": "disk", "source": {"diskId": base}, "readOnly": True})
    c.call("vmms.DeleteVm", id=vm["id"])
    s.kill(s.vmms)
    s.start_vmms()
    c = s.client()
    assert [d["name"] for d in c.call("vmms.ListDisks")["disks"]] == ["base", "child"]
    assert disk_job(s, c, child, "merge")["state"] == "succeeded"


def test_a_disk_of_a_vm_that_is_off_is_merged_and_its_drive_gets_the_parent(s, c):
    base = make_disk(c, "base")
    new = {"newDisk": {"name": "child", "type": "differencing", "parentId": base["id"]}}
    vm = c.call("vmms.CreateVm", vm=vm_body("user", disks=[{"medium": "disk", "source": new}]))["vm"]
    child = c.call("vmms.GetDisk", id=vm["disks"][0]["source"]["diskId"])["disk"]
    c.call("vmms.VmAction", id=vm["id"], action="start")
    wait_state(s, c, vm["id"], "running")
    refused(409, "disk_attached", disk_job, s, c, child, "compact")
    c.call("vmms.VmAction", id=vm["id"], action="turn-off")
    wait_state(s, c, vm["id"], "off")
    assert disk_job(s, c, child, "merge")["state"] == "succeeded"
    s.kill(s.vmms)
    s.start_vmms()
    c = s.client()
    drive = c.call("vmms.GetVm", id=vm["id"])["vm"]["disks"][0]
    assert drive["source"]["diskId"] == base["id"] and drive["id"] == vm["disks"][0]["id"], drive
    assert [d["name"] for d in c.call("vmms.ListDisks")["disks"]] == ["base"]
    assert qemu_img(s, "check", "-f", "vhdx", base["id"] + ".vhdx").returncode == 0
    c.call("vmms.VmAction", id=vm["id"], action="start")
    wait_state(s, c, vm["id"], "running")


def vm_on_a_chain(s, c, name):
    ids = chain_of(c, "base of " + name, "child of " + name)
    return ids, start_vm(s, c, name, disks=[{"medium": "disk", "source": {"diskId": ids[1]}}])


def drive_source(c, vm):
    return c.call("vmms.GetVm", id=vm)["vm"]["disks"][0]["source"]["diskId"]


def test_a_disk_is_merged_while_its_vm_runs_and_its_drive_gets_the_parent(s, c):
    ids, vm = vm_on_a_chain(s, c, "merges")
    refused(409, "disk_has_children", disk_job, s, c, {"id": ids[0]}, "compact")
    job = disk_job(s, c, {"id": ids[1]}, "merge")
    assert job["state"] == "succeeded", job
    assert drive_source(c, vm) == ids[0] and [d["id"] for d in c.call("vmms.ListDisks")["disks"]] == [ids[0]]
    assert sorted(os.listdir(s.state + "/disks")) == sorted([ids[0] + ".json", ids[0] + ".vhdx"])
    refused(409, "disk_attached", disk_job, s, c, {"id": ids[0]}, "compact")
    refused(422, "out_of_range", disk_job, s, c, {"id": ids[0]}, "merge")
    c.call("vmms.VmAction", id=vm, action="turn-off")
    wait_state(s, c, vm, "off")
    assert disk_job(s, c, {"id": ids[0]}, "check")["state"] == "succeeded"


def test_a_merge_in_a_vm_that_runs_can_be_cancelled_and_holds_its_disks(s, c):
    ids, vm = vm_on_a_chain(s, c, "merge-slow")
    job = c.call("vmms.DiskAction", id=ids[1], action="merge", options={})["job"]
    for call, more in (("vmms.DiskAction", {"id": ids[1], "action": "merge", "options": {}}), ("vmms.DiskAction", {"id": ids[0], "action": "clone", "options": {"name": "x"}}),
                       ("vmms.DetachDisk", {"id": vm, "diskSlotId": c.call("vmms.GetVm", id=vm)["vm"]["disks"][0]["id"]})):
        refused(423, "locked_by_job", c.call, call, **more)
    s.wait(lambda: c.call("vmms.GetJob", id=job["id"])["job"]["progressPercent"] == 50)
    c.call("vmms.CancelJob", id=job["id"])
    assert wait_job(s, c, job)["state"] == "cancelled"
    assert drive_source(c, vm) == ids[1] and len(c.call("vmms.ListDisks")["disks"]) == 2
    job = c.call("vmms.DiskAction", id=ids[1], action="merge", options={})["job"]
    c.call("vmms.VmAction", id=vm, action="turn-off")          # its worker ends, and the merge with it
    job = wait_job(s, c, job)
    assert job["state"] == "failed", job
    wait_state(s, c, vm, "off")
    assert disk_job(s, c, {"id": ids[1]}, "merge")["state"] == "succeeded" and drive_source(c, vm) == ids[0]


def test_a_merge_whose_worker_dies_at_its_end_is_known_to_be_complete(s, c):
    ids, vm = vm_on_a_chain(s, c, "merge-die")
    job = disk_job(s, c, {"id": ids[1]}, "merge")
    assert job["state"] == "succeeded" and drive_source(c, vm) == ids[0], job
    wait_state(s, c, vm, "failed")
    start_after_failure(s, c, vm)
    wait_state(s, c, vm, "running")


def test_a_merge_that_ended_while_vmms_was_dead_is_written_down_at_its_start(s, c):
    ids, vm = vm_on_a_chain(s, c, "user")
    s.kill(s.vmms)
    os.truncate(f"{s.state}/disks/{ids[1]}.vhdx", 0)
    s.start_vmms()
    c = s.client()
    assert drive_source(c, vm) == ids[0] and [d["id"] for d in c.call("vmms.ListDisks")["disks"]] == [ids[0]]
    wait_state(s, c, vm, "running")


def test_jobs_on_disks_do_what_they_say(s, c):
    d = make_disk(c, "one")
    job = disk_job(s, c, d, "resize", sizeBytes=96 * MIB)
    assert job["state"] == "succeeded" and job["object"]["type"] == "disk", job
    assert c.call("vmms.GetDisk", id=d["id"])["disk"]["sizeBytes"] == 96 * MIB
    refused(422, "out_of_range", disk_job, s, c, d, "resize", sizeBytes=64 * MIB)
    refused(422, "unknown_field", disk_job, s, c, d, "compact", sizeBytes=1)
    refused(422, "out_of_range", disk_job, s, c, d, "explode")
    for action in ("compact", "check"):
        job = disk_job(s, c, d, action)
        assert job["state"] == "succeeded", job
    assert disk_job(s, c, d, "convert", name="as raw", format="raw")["state"] == "succeeded"
    assert disk_job(s, c, d, "clone", name="again")["state"] == "succeeded"
    refused(409, "name_in_use", disk_job, s, c, d, "clone", name="again")
    by_name = {d["name"]: d for d in c.call("vmms.ListDisks")["disks"]}
    assert [by_name[n]["format"] for n in ("one", "as raw", "again")] == ["vhdx", "raw", "vhdx"], by_name
    r = qemu_img(s, "compare", by_name["one"]["id"] + ".vhdx", by_name["as raw"]["id"] + ".raw")
    assert r.returncode == 0, r
    vm = c.call("vmms.CreateVm", vm=vm_body("user", disks=[{"medium": "disk", "source": {"diskId": d["id"]}}]))["vm"]
    for action in ("compact", "check"):
        assert disk_job(s, c, d, action)["state"] == "succeeded", "the VM is off"
    c.call("vmms.VmAction", id=vm["id"], action="start")
    wait_state(s, c, vm["id"], "running")
    refused(409, "disk_attached", disk_job, s, c, d, "compact")
    with open(f'{s.state}/disks/{by_name["again"]["id"]}.vhdx', "r+b") as f:
        f.seek(64 << 10)
        f.write(os.urandom(192 << 10))
    assert disk_job(s, c, by_name["again"], "check")["state"] == "failed"


def damage_leak(path):
    """A whole MiB at the end of the file that nothing uses."""
    with open(path, "r+b") as f:
        f.truncate(os.path.getsize(path) + MIB)


def test_a_check_that_succeeds_tells_what_it_found(s, c):
    d = make_disk(c, "one")
    damage_leak(f'{s.state}/disks/{d["id"]}.vhdx')
    job = disk_job(s, c, d, "check")
    assert job["state"] == "succeeded" and job["result"].startswith("0 errors, 1 leaks") and "used by nothing" in job["result"], job
    assert disk_job(s, c, d, "compact")["result"] is None
    s.kill(s.vmms)
    s.start_vmms()
    assert s.client().call("vmms.GetJob", id=job["id"])["job"] == job, "it is still known after a restart"


# --- disk files that come and go ---

def send_disk(c, id, name, data, offset=0, upto=None, **more):
    _, fds = c.call_fds("vmms.BeginDiskUpload", id=id, name=name, sizeBytes=len(data), offsetBytes=offset, **more)
    part = data[offset:upto]
    os.write(fds[0], part)
    os.close(fds[0])
    return c.call("vmms.EndDiskUpload", id=id, complete=offset + len(part) == len(data))


def image(s, format="vhdx", options=(), size=8 * MIB):
    path = s.dir + "/image." + format
    r = subprocess.run(["qemu-img", "create", "-q", "-f", {"vhd": "vpc"}.get(format, format), *options, path, str(size)])
    assert r.returncode == 0
    if format != "qcow2":
        subprocess.run(["qemu-io", "-f", {"vhd": "vpc"}.get(format, format), "-c", "write -P 0x5a 1M 64k", path], check=True, capture_output=True)
    data = open(path, "rb").read()
    os.unlink(path)
    return data


def test_a_disk_arrives_in_parts_is_checked_and_can_be_used(s, c):
    for format, more in (("vhdx", {}), ("vhd", {}), ("raw", {"format": "raw"})):
        data, id = image(s, format, ("-o", "force_size=on") if format == "vhd" else ()), str(uuid.uuid4())
        more["sha256"] = hashlib.sha256(data).hexdigest()
        cut = send_disk(c, id, format, data, upto=MIB // 2, **more)
        assert "job" not in cut and (cut["upload"]["state"], cut["upload"]["receivedBytes"]) == ("uploading", MIB // 2), cut
        r = refused(409, "wrong_offset", c.call, "vmms.BeginDiskUpload", id=id, name=format, sizeBytes=len(data), offsetBytes=0)
        assert r.parameters["receivedBytes"] == MIB // 2
        refused(409, "name_in_use", c.call, "vmms.CreateDisk", disk={"name": format.upper(), "sizeBytes": MIB})
        s.kill(s.vmms)
        s.start_vmms()
        c = s.client()
        assert [u["id"] for u in c.call("vmms.ListDiskUploads")["uploads"]] == [id]
        job = wait_job(s, c, send_disk(c, id, format, data, offset=MIB // 2)["job"])
        assert job["state"] == "succeeded", job
        d = c.call("vmms.GetDisk", id=id)["disk"]
        assert (d["name"], d["format"], d["sizeBytes"]) == (format, format, 8 * MIB), d
        assert open(f"{s.state}/disks/{id}.{format}", "rb").read() == data
        assert disk_job(s, c, d, "check")["state"] == "succeeded"
    assert c.call("vmms.ListDiskUploads")["uploads"] == [] and os.listdir(s.state + "/uploads") == []


def test_a_disk_file_that_is_none_is_refused_with_the_reason_and_leaves_nothing(s, c):
    good = image(s)
    broken = good[:192 << 10] + os.urandom(64 << 10) + good[256 << 10:]
    bad = (("checksum_mismatch", "SHA-256", good, {"sha256": "0" * 64}), ("disk_invalid", "region", broken, {}),
           ("disk_invalid", "format=raw", os.urandom(2 * MIB), {}),
           ("disk_invalid", "VHD", os.urandom(2 * MIB), {"format": "vhd"}), ("disk_invalid", "512", bytes(2 * MIB + 1), {"format": "raw"}),
           ("disk_invalid", "cut", good[:2 * MIB], {}))
    for code, word, data, more in bad:
        id = str(uuid.uuid4())
        job = wait_job(s, c, send_disk(c, id, "bad", data, **more)["job"])
        assert job["state"] == "failed" and job["error"]["code"] == code, (word, job)
        assert word in ("cut", "VHD", "region") or word in job["error"]["detail"], (word, job)
    assert c.call("vmms.ListDisks")["disks"] == [] and os.listdir(s.state + "/uploads") == [] and os.listdir(s.state + "/disks") == []
    small = dict(id=str(uuid.uuid4()), name="x", offsetBytes=0)
    begin = "vmms.BeginDiskUpload"
    refused(422, "out_of_range", c.call, begin, sizeBytes=100, **small)
    refused(507, "no_space", c.call, begin, sizeBytes=1 << 45, **small)
    refused(422, "out_of_range", c.call, begin, **(small | {"id": "../../etc", "sizeBytes": 2 * MIB}))
    refused(422, "out_of_range", c.call, begin, **(small | {"name": "a/b", "sizeBytes": 2 * MIB}))
    refused(422, "out_of_range", c.call, begin, sizeBytes=2 * MIB, format="qcow2", **small)
    refused(422, "out_of_range", c.call, begin, sizeBytes=2 * MIB, sha256="abc", **small)
    refused(404, "upload_not_found", c.call, "vmms.EndDiskUpload", id=small["id"], complete=True)


def foreign_image(s, format, options=(), size="8M", name="foreign", source=None):
    """As qemu-img itself writes it, with its contents as a raw disk."""
    raw, path = source or s.dir + "/" + name + ".raw", s.dir + "/" + name
    if not source:
        subprocess.run(["qemu-img", "create", "-q", "-f", "raw", raw, size], check=True)
        subprocess.run(["qemu-io", "-f", "raw", "-c", "write -P 0x5a 1M 64k", "-c", "write -P 0xa5 7M 12k", raw], check=True, capture_output=True)
    subprocess.run(["qemu-img", "convert", "-f", "raw", "-O", format, *options, raw, path], check=True)
    return open(path, "rb").read(), raw


def padded(data):
    """An upload has at least 1 MiB; what follows an image is nothing to its readers."""
    return data + bytes(max(0, MIB - len(data)))


def test_images_of_other_formats_become_vhdx_with_the_same_contents(s, c):
    for format, options in (("qcow2", ()), ("qcow2", ("-o", "compat=0.10")), ("qcow2", ("-c", "-o", "cluster_size=4k")),
                            ("vmdk", ()), ("vmdk", ("-o", "subformat=streamOptimized"))):
        data, raw = foreign_image(s, format, options)
        id = str(uuid.uuid4())
        if options != ("-o", "subformat=streamOptimized"):
            data = padded(data)
        else:                       # its footer has to be the end; more data makes it long enough
            with open(raw, "r+b") as f:
                f.write(os.urandom(2 * MIB))
            data, raw = foreign_image(s, format, options, source=raw)
        job = wait_job(s, c, send_disk(c, id, " ".join((format,) + options)[:60].replace("/", "-"), data, sha256=hashlib.sha256(data).hexdigest())["job"])
        assert job["state"] == "succeeded", (format, options, job)
        d = c.call("vmms.GetDisk", id=id)["disk"]
        assert (d["format"], d["type"], d["sizeBytes"]) == ("vhdx", "dynamic", 8 * MIB), d
        assert subprocess.run(["qemu-img", "compare", "-q", "-f", "vhdx", "-F", "raw", f"{s.state}/disks/{id}.vhdx", raw]).returncode == 0
        assert os.stat(f"{s.state}/disks/{id}.vhdx").st_mode & 0o777 == 0o600
        assert disk_job(s, c, d, "check")["state"] == "succeeded"
    assert os.listdir(s.state + "/uploads") == []


def test_images_that_name_other_files_are_refused_by_name_and_read_nothing(s, c):
    qcow2, raw = foreign_image(s, "qcow2")
    secret = s.dir + "/secret"
    open(secret, "wb").write(b"secret" * 100000)
    def made(*command):
        path = s.dir + "/made"
        subprocess.run(["qemu-img", "create", "-q", *command[:-1], path, command[-1]], check=True)
        return padded(open(path, "rb").read())
    backed = made("-f", "qcow2", "-b", raw, "-F", "raw", "8M")
    outside = made("-f", "qcow2", "-o", f"data_file={s.dir}/data,data_file_raw=on", "8M")
    encrypted = bytearray(padded(qcow2))
    encrypted[32:36] = struct.pack(">I", 1)
    flat = foreign_image(s, "vmdk", ("-o", "subformat=monolithicFlat"), source=raw, name="flat")[0]
    vmdk = bytearray(padded(foreign_image(s, "vmdk", source=raw)[0]))
    at = vmdk.index(b"parentCID=ffffffff")
    child = vmdk[:at] + b"parentCID=12345678" + vmdk[at + 18:]
    parts = vmdk.replace(b'createType="monolithicSparse"', b'createType="twoGbMaxExtent"  ')
    capacity = vmdk[:12] + bytes(8) + vmdk[20:]
    broken = bytearray(padded(qcow2))
    broken[40:48] = struct.pack(">Q", 0x30001)                  # no place for an L1 table
    for word, data in (("backing file", backed), ("another file", outside), ("encrypted", encrypted), ("description", padded(flat)), ("parent", child),
                       ("several files", parts), ("without a size", capacity), ("cannot be converted", broken)):
        job = wait_job(s, c, send_disk(c, str(uuid.uuid4()), "bad", bytes(data))["job"])
        assert job["state"] == "failed" and job["error"]["code"] == "disk_invalid" and word in job["error"]["detail"], (word, job)
    assert c.call("vmms.ListDisks")["disks"] == [] and os.listdir(s.state + "/uploads") == [] and os.listdir(s.state + "/disks") == []


def test_an_import_sees_two_files_only_and_ends_when_it_is_cancelled(s, c):
    s.kill(s.vmms)
    s.kill(s.vmpriv)
    s.importer = s.worker
    s.start()                           # vmms is connected to vmpriv when it answers
    c = s.client()
    id = str(uuid.uuid4())
    job = send_disk(c, id, "slow", padded(foreign_image(s, "qcow2")[0]))["job"]
    s.wait(lambda: (j := c.call("vmms.GetJob", id=job["id"])["job"])["progressPercent"] >= 60 or j["state"] != "running")
    now = c.call("vmms.GetJob", id=job["id"])["job"]
    assert now["state"] == "running", now
    refused(409, "upload_in_progress", c.call, "vmms.DeleteDiskUpload", id=id)
    c.call("vmms.CancelJob", id=job["id"])
    assert wait_job(s, c, job)["state"] == "cancelled"
    assert os.listdir(s.state + "/uploads") == [] and c.call("vmms.ListDiskUploads")["uploads"] == []


def test_an_import_that_a_crash_cut_off_begins_again_and_one_that_was_judged_ends(s, c):
    data, raw = foreign_image(s, "qcow2")
    data = padded(data)
    s.kill(s.vmms)
    uploads, disks = s.state + "/uploads/", s.state + "/disks/"
    subprocess.run(["qemu-img", "convert", "-f", "raw", "-O", "vhdx", raw, s.dir + "/vhdx"], check=True)
    vhdx = open(s.dir + "/vhdx", "rb").read()
    about = {"formatVersion": 1, "format": "", "sha256": "", "sizeBytes": len(data), "createdAt": "2026-01-01T00:00:00Z"}
    verdict = {"accepted": {"format": "vhdx", "type": "dynamic", "sizeBytes": 8 * MIB, "imported": True}}
    described = {"formatVersion": 1, "format": "vhdx", "type": "dynamic", "parent": "", "sizeBytes": 8 * MIB, "createdWith": "", "createdAt": "2026-01-01T00:00:00Z"}
    ids = {}
    for step in ("converting", "judged", "moved", "described", "sent file gone"):
        ids[step] = id = str(uuid.uuid4())
        if step != "sent file gone":
            open(f"{uploads}{id}.part", "wb").write(data)
        open({"converting": f"{uploads}{id}.import", "judged": f"{uploads}{id}.import"}.get(step, f"{disks}{id}.vhdx"), "wb").write(
            vhdx[:MIB] if step == "converting" else vhdx)
        json.dump(about | (verdict if step != "converting" else {}) | {"id": id, "name": step}, open(uploads + id + ".json", "w"))
        if step in ("described", "sent file gone"):
            json.dump(described | {"id": id, "name": step}, open(disks + id + ".json", "w"))
    os.system(f"chown -R {s.uid} {s.state}")
    s.start_vmms()
    c = s.client()
    s.wait(lambda: len(c.call("vmms.ListJobs")["jobs"]) == 1 and all(j["state"] != "running" for j in c.call("vmms.ListJobs")["jobs"]))
    assert {d["name"]: d["id"] for d in c.call("vmms.ListDisks")["disks"]} == ids
    assert os.listdir(uploads) == [], os.listdir(uploads)
    for id in ids.values():
        assert subprocess.run(["qemu-img", "compare", "-q", "-f", "vhdx", "-F", "raw", f"{disks}{id}.vhdx", raw]).returncode == 0


def test_an_unfinished_upload_of_a_disk_can_be_ended(s, c):
    data, id = image(s), str(uuid.uuid4())
    send_disk(c, id, "d", data, upto=MIB)
    _, fds = c.call_fds("vmms.BeginDiskUpload", id=id, name="d", sizeBytes=len(data), offsetBytes=MIB)
    refused(409, "upload_in_progress", c.call, "vmms.BeginDiskUpload", id=id, name="d", sizeBytes=len(data), offsetBytes=MIB)
    os.close(fds[0])
    c.call("vmms.DeleteDiskUpload", id=id)
    refused(404, "upload_not_found", c.call, "vmms.DeleteDiskUpload", id=id)
    assert os.listdir(s.state + "/uploads") == []


def test_a_crash_at_any_step_of_making_an_upload_a_disk_loses_nothing(s, c):
    data = image(s)
    s.kill(s.vmms)
    uploads, disks = s.state + "/uploads/", s.state + "/disks/"
    about = {"formatVersion": 1, "name": "", "format": "", "sha256": "", "sizeBytes": len(data), "createdAt": "2026-01-01T00:00:00Z"}
    verdict = {"accepted": {"format": "vhdx", "type": "dynamic", "sizeBytes": 8 * MIB}}
    described = {"formatVersion": 1, "format": "vhdx", "type": "dynamic", "parent": "", "sizeBytes": 8 * MIB, "createdWith": "",
                 "createdAt": "2026-01-01T00:00:00Z"}
    steps = {"complete": (uploads + "%s.part", {}, False), "judged": (uploads + "%s.part", verdict, False),
             "moved": (disks + "%s.vhdx", verdict, False), "described": (disks + "%s.vhdx", verdict, True)}
    ids = {}
    for step, (path, more, has_description) in steps.items():
        ids[step] = id = str(uuid.uuid4())
        open(path % id, "wb").write(data)
        json.dump(about | more | {"id": id, "name": step}, open(uploads + id + ".json", "w"))
        if has_description:
            json.dump(described | {"id": id, "name": step}, open(disks + id + ".json", "w"))
    os.system(f"chown -R {s.uid} {s.state}")
    for _ in range(2):                  # the second time there is nothing left to do
        s.start_vmms()
        c = s.client()
        s.wait(lambda: all(j["state"] != "running" for j in c.call("vmms.ListJobs")["jobs"]) or None)
        assert {d["name"]: d["id"] for d in c.call("vmms.ListDisks")["disks"]} == ids
        assert os.listdir(uploads) == [] and c.call("vmms.ListDiskUploads")["uploads"] == []
        assert all(open(f"{disks}{id}.vhdx", "rb").read() == data for id in ids.values())
        s.kill(s.vmms)
    s.start_vmms()


def test_a_disk_that_is_downloaded_is_not_written_to_meanwhile(s, c):
    d = make_disk(c, "d")
    answer, fds = c.call_fds("vmms.OpenDiskFile", id=d["id"])
    assert os.fstat(fds[0]).st_size == answer["fileBytes"] and os.read(fds[0], 8) == b"vhdxfile"
    refused(423, "locked_by_job", disk_job, s, c, d, "compact")
    os.close(fds[0])
    assert disk_job(s, c, d, "resize", sizeBytes=128 * MIB)["state"] == "succeeded"
    again, fds = c.call_fds("vmms.OpenDiskFile", id=d["id"])
    os.close(fds[0])
    assert again["version"] != answer["version"], "its contents are others now"
    id = start_vm(s, c, "user", disks=[{"medium": "disk", "source": {"diskId": d["id"]}}])
    refused(409, "disk_attached", c.call, "vmms.OpenDiskFile", id=d["id"])
    c.call("vmms.VmAction", id=id, action="turn-off")
    wait_state(s, c, id, "off")
    os.close(c.call_fds("vmms.OpenDiskFile", id=d["id"])[1][0])
    refused(404, "disk_not_found", c.call, "vmms.OpenDiskFile", id=str(uuid.uuid4()))


def test_the_volume_tells_its_size_and_keeps_its_threshold(s, c):
    [v] = c.call("vmms.ListVolumes")["volumes"]
    assert v["sizeBytes"] >= v["freeBytes"] > 0 and v["fileSystem"] not in ("", "unknown") and v["warningFreePercent"] == 5, v
    now = c.call("vmms.UpdateVolume", id=v["id"], patch={"warningFreePercent": 20}, etag=v["etag"])["volume"]
    refused(412, "stale_etag", c.call, "vmms.UpdateVolume", id=v["id"], patch={"warningFreePercent": 9}, etag=v["etag"])
    for bad in ({"warningFreePercent": 0}, {"warningFreePercent": 51}):
        refused(422, "out_of_range", c.call, "vmms.UpdateVolume", id=v["id"], patch=bad)
    refused(422, "unknown_field", c.call, "vmms.UpdateVolume", id=v["id"], patch={"name": "x"})
    refused(404, "volume_not_found", c.call, "vmms.GetVolume", id=str(uuid.uuid4()))
    s.kill(s.vmms)
    s.start_vmms()
    again = s.client().call("vmms.GetVolume", id=v["id"])["volume"]
    assert (again["id"], again["warningFreePercent"]) == (now["id"], 20), again


def test_services_are_switched_while_a_vm_runs_and_the_guest_tells_of_itself(s, c):
    vm = c.call("vmms.CreateVm", vm=vm_body("talks", integrationServices={"backup": False}))["vm"]
    assert vm["integrationServices"] == {"shutdown": True, "timeSync": True, "heartbeat": True, "keyValue": True, "backup": False,
                                         "guestFileCopy": False}, vm
    assert vm["guest"]["heartbeat"] == "unknown" and vm["guest"]["services"] == {}, vm
    assert wait_job(s, c, c.call("vmms.VmAction", id=vm["id"], action="start")["job"])["state"] == "succeeded"
    guest = lambda: c.call("vmms.GetVm", id=vm["id"])["vm"]["guest"]
    s.wait(lambda: guest()["hostName"] == "guest.example")
    assert guest()["ipAddresses"] == ["10.1.2.3", "fe80::1"] and guest()["services"]["backup"]["state"] == "off", guest()
    assert any(e["type"] == "vm.guest-changed" for e in c.call("vmms.ListEvents", limit=100)["events"])
    refused(422, "unknown_field", c.call, "vmms.UpdateVm", id=vm["id"], patch={"integrationServices": {"telepathy": True}})
    c.call("vmms.UpdateVm", id=vm["id"], patch={"integrationServices": {"backup": True, "heartbeat": False}})
    s.wait(lambda: guest()["services"]["backup"]["state"] == "ok" and guest()["services"]["heartbeat"]["state"] == "off")
    c.call("vmms.VmAction", id=vm["id"], action="turn-off")
    wait_state(s, c, vm["id"], "off")
    assert guest()["hostName"] == "", guest()


def given(s, vm):
    """What the stand-in for the worker was given for its guest."""
    return Client(f"{s.run}/vm/{vm}.sock").call("vmwp.GetStatus").get("given", {})


def guest_file(content):
    fd = os.memfd_create("file")
    os.write(fd, content)
    return fd


def test_files_reach_a_guest_whose_service_is_on(s, c):
    copy = lambda id, **more: c.call("vmms.CopyToGuest", [guest_file(b"hello")], id=id, folder="/tmp", name="greeting", **more)["job"]
    off = c.call("vmms.CreateVm", vm=vm_body("off"))["vm"]["id"]
    refused(409, "vm_not_running", c.call, "vmms.BeginGuestCopy", id=off, sizeBytes=5)
    refused(404, "vm_not_found", c.call, "vmms.BeginGuestCopy", id=str(uuid.uuid4()), sizeBytes=5)
    id = start_vm(s, c, "no service")
    refused(409, "vm_wrong_state", c.call, "vmms.BeginGuestCopy", id=id, sizeBytes=5)
    refused(409, "vm_wrong_state", copy, id)
    c.call("vmms.UpdateVm", id=id, patch={"integrationServices": {"guestFileCopy": True}})
    refused(507, "no_space", c.call, "vmms.BeginGuestCopy", id=id, sizeBytes=1 << 60)
    _, fds = c.call_fds("vmms.BeginGuestCopy", id=id, sizeBytes=5)
    os.write(fds[0], b"12345")
    os.close(fds[0])
    job = wait_job(s, c, copy(id, overwrite=True))
    assert job["state"] == "succeeded" and job["type"] == "vm.copy-file" and job["object"]["id"] == id, job
    file = given(s, id)["file"]
    assert file == {"parameters": {"folder": "/tmp", "name": "greeting", "overwrite": True}, "text": "hello"}, file
    refused(400, "bad_parameters", c.call, "vmms.CopyToGuest", id=id, folder="/tmp", name="x")


def test_a_copy_that_fails_says_why_and_harms_nobody(s, c):
    on = {"integrationServices": {"guestFileCopy": True}}
    copy = lambda id: wait_job(s, c, c.call("vmms.CopyToGuest", [guest_file(b"x")], id=id, folder="/", name="x")["job"])
    job = copy(start_vm(s, c, "refuse-file", **on))
    assert job["state"] == "failed" and job["error"] == {"code": "no_space", "detail": "The guest has no room."}, job
    id = start_vm(s, c, "die-copying", **on)
    job = copy(id)
    assert job["state"] == "failed" and job["error"]["code"] == "worker_ended", job
    wait_state(s, c, id, "failed")


def test_a_copy_says_how_far_it_is_and_can_be_cancelled(s, c):
    id = start_vm(s, c, "slow-file", integrationServices={"guestFileCopy": True})
    job = c.call("vmms.CopyToGuest", [guest_file(b"xy")], id=id, folder="/", name="x")["job"]
    assert job["cancellable"], job
    s.wait(lambda: c.call("vmms.GetJob", id=job["id"])["job"]["progressPercent"] == 50)
    c.call("vmms.CancelJob", id=job["id"])
    job = wait_job(s, c, job)
    assert job["state"] == "cancelled" and not job["error"], job
    refused(409, "job_finished", c.call, "vmms.CancelJob", id=job["id"])
    assert c.call("vmms.GetVm", id=id)["vm"]["state"] == "running"


def test_addresses_are_set_inside_a_guest_as_key_value_exchange_says_them(s, c):
    id = start_vm(s, c, "addressed", networkAdapters=[{"name": "one"}])
    adapter = c.call("vmms.GetVm", id=id)["vm"]["networkAdapters"][0]["id"]
    set = lambda **body: c.call("vmms.SetGuestAddresses", id=id, adapterId=adapter, addresses=body)["job"]
    job = wait_job(s, c, set(addresses=["192.0.2.5/23", "2001:db8::5/64"], gateways=["192.0.2.1"], dnsServers=["192.0.2.2", "2001:db8::2"]))
    assert job["state"] == "succeeded", job
    assert given(s, id)["addresses"] == {
        "adapter": "{" + adapter + "}", "dhcp": False, "addresses": "192.0.2.5;2001:db8::5", "masks": "255.255.254.0;64",
        "gateways": "192.0.2.1", "dns": "192.0.2.2;2001:db8::2"}, given(s, id)
    assert wait_job(s, c, set(dhcp=True))["state"] == "succeeded"
    assert given(s, id)["addresses"]["dhcp"] is True
    for body in ({}, {"dhcp": True, "addresses": ["192.0.2.5/24"]}, {"addresses": ["192.0.2.5"]}, {"addresses": ["192.0.2.5/33"]},
                 {"addresses": ["192.0.2/24"]}, {"addresses": [5]}, {"dhcp": True, "gateways": ["x"]}, {"dhcp": True, "dnsServers": [";"]}):
        refused(422, "out_of_range", set, **body)
    refused(422, "unknown_field", set, dhcp=True, masks=[])
    refused(422, "too_many", set, addresses=["192.0.2.5/24"] * 17)
    refused(404, "network_adapter_not_found", c.call, "vmms.SetGuestAddresses", id=id, adapterId=str(uuid.uuid4()), addresses={"dhcp": True})


def test_items_for_a_guest_are_kept_and_told_at_each_start(s, c):
    id = c.call("vmms.CreateVm", vm=vm_body("items"))["vm"]["id"]
    change = lambda **items: c.call("vmms.UpdateGuestItems", id=id, items=items)["guestItems"]["items"]
    assert change(role="web", zone="a") == {"role": "web", "zone": "a"}
    assert wait_job(s, c, c.call("vmms.VmAction", id=id, action="start")["job"])["state"] == "succeeded"
    s.wait(lambda: given(s, id) == {"item role": "web", "item zone": "a"})
    assert change(zone=None, size="9") == {"role": "web", "size": "9"}
    s.wait(lambda: given(s, id) == {"item role": "web", "item zone": None, "item size": "9"})
    s.kill(s.vmms)
    s.start_vmms()
    c = s.client()
    assert c.call("vmms.GetGuestItems", id=id)["guestItems"]["items"] == {"role": "web", "size": "9"}
    change = lambda **items: c.call("vmms.UpdateGuestItems", id=id, items=items)
    refused(422, "wrong_type", change, role=5)
    refused(422, "out_of_range", change, role="x" * 1024)
    refused(422, "out_of_range", change, **{"": "x"})
    refused(422, "too_many", change, **{str(i): "x" for i in range(70)})
    c.call("vmms.VmAction", id=id, action="turn-off")
    wait_state(s, c, id, "off")
    assert c.call("vmms.DeleteVm", id=id) == {}
    assert not os.path.exists(f"{s.state}/vms/{id}"), os.listdir(f"{s.state}/vms/{id}")


def test_vms_stop_with_the_host_as_they_say_and_count_as_running(s, c):
    gentle, hard = start_vm(s, c, "gentle"), start_vm(s, c, "hard", automaticStop="turn-off")
    other = c.call("vmms.CreateVm", vm=vm_body("other"))["vm"]["id"]
    subprocess.run([s.build + "/bin/vmms", "--runtime-dir", s.run, "--stop-vms"], check=True, timeout=60)
    assert wait_state(s, c, gentle, "off")["stateReason"] == "guest-power-off"
    assert wait_state(s, c, hard, "off")["stateReason"] == "turned-off"
    remembered = lambda vm: os.path.exists(f"{s.state}/vms/{vm}/state.json")
    assert remembered(gentle) and remembered(hard) and not remembered(other)
    s.kill(s.vmms)
    s.start_vmms()
    assert {v["state"] for v in s.client().call("vmms.ListVms")["vms"]} == {"off"}


def test_vms_start_with_the_host_as_they_say_and_only_then(s, c):
    always = c.call("vmms.CreateVm", vm=vm_body("always", automaticStart="always"))["vm"]["id"]
    never = c.call("vmms.CreateVm", vm=vm_body("never"))["vm"]["id"]
    state = lambda vm: s.client().call("vmms.GetVm", id=vm)["vm"]["state"]
    s.kill(s.vmms)
    s.start_vmms()
    time.sleep(1)
    assert (state(always), state(never)) == ("off", "off")
    s.kill(s.vmms)
    with open(s.state + "/boot.json", "w") as f:
        f.write('{"bootId": "another"}')
    s.start_vmms()
    wait_state(s, s.client(), always, "running")
    assert state(never) == "off"


def test_processor_reserves_beyond_the_host_are_refused_at_the_start(s, c):
    lps = c.call("vmms.GetHost")["host"]["hypervisor"]["logicalProcessors"]
    whole = {"count": lps, "reservePercent": 100}
    start_vm(s, c, "first", processor=whole)
    id = c.call("vmms.CreateVm", vm=vm_body("second", processor={"count": 1, "reservePercent": 1}))["vm"]["id"]
    r = refused(507, "no_processor", c.call, "vmms.VmAction", id=id, action="start")
    assert r.parameters["field"] == "processor.reservePercent" and str(100 * lps) in r.parameters["detail"], r


def test_the_five_hundred_and_thirteenth_vm_is_refused(s, c):
    for n in range(512):
        c.call("vmms.CreateVm", vm=vm_body(f"vm{n}"))
    refused(422, "too_many", c.call, "vmms.CreateVm", vm=vm_body("one too many"))


def test_a_new_vm_is_on_the_default_switch_unless_told_otherwise(s, c):
    default = [x for x in c.call("vmms.ListSwitches")["switches"] if x["nat"]]
    assert len(default) == 1 and default[0]["type"] == "internal" and default[0]["attachedTo"] == []
    vm = c.call("vmms.CreateVm", vm=vm_body("net-default"))["vm"]
    (adapter,) = vm["networkAdapters"]
    assert adapter["switchId"] == default[0]["id"] and adapter["connected"] and adapter["macAddress"].startswith("00:15:5d:")
    assert adapter["vlan"] is None and adapter["name"] == "Network Adapter"
    assert c.call("vmms.GetSwitch", id=default[0]["id"])["switch"]["attachedTo"] == [{"vmId": vm["id"], "vmName": "net-default"}]
    bare = c.call("vmms.CreateVm", vm=vm_body("net-none") | {"networkAdapters": []})["vm"]
    assert bare["networkAdapters"] == []
    refused(409, "switch_in_use", c.call, "vmms.DeleteSwitch", id=default[0]["id"])
    s.kill(s.vmms)
    s.start_vmms()
    c = s.client()
    assert c.call("vmms.GetVm", id=vm["id"])["vm"]["networkAdapters"] == [adapter]
    for x in (vm, bare):
        c.call("vmms.DeleteVm", id=x["id"])


def test_switches_are_made_changed_and_deleted(s, c):
    for code, field, body in [
        ("missing_field", "name", {"type": "private"}),
        ("out_of_range", "type", {"name": "x", "type": "public"}),
        ("missing_field", "uplink", {"name": "x", "type": "external"}),
        ("out_of_range", "uplink", {"name": "x", "type": "external", "uplink": "../../etc"}),
        ("out_of_range", "uplink", {"name": "x", "type": "private", "uplink": "eth0"}),
        ("out_of_range", "nat", {"name": "x", "type": "private", "nat": True}),
        ("unknown_field", "vlans", {"name": "x", "type": "private", "vlans": 1}),
    ]:
        r = refused(422, code, c.call, "vmms.CreateSwitch", switch=body)
        assert r.parameters["field"] == field, r
    a = c.call("vmms.CreateSwitch", switch={"name": "lab", "type": "private"})["switch"]
    assert a["type"] == "private" and not a["nat"] and a["uplink"] is None and a["state"] in ("ready", "unavailable")
    refused(409, "name_in_use", c.call, "vmms.CreateSwitch", switch={"name": "LAB", "type": "internal"})
    refused(412, "stale_etag", c.call, "vmms.UpdateSwitch", id=a["id"], patch={"name": "b"}, etag="77")
    b = c.call("vmms.UpdateSwitch", id=a["id"], patch={"name": "laboratory", "type": "internal"}, etag=a["etag"])["switch"]
    assert b["name"] == "laboratory" and b["type"] == "internal" and b["etag"] != a["etag"]
    vm = c.call("vmms.CreateVm", vm=vm_body("net-lab") | {"networkAdapters": [{"switchId": a["id"]}]})["vm"]
    refused(409, "switch_in_use", c.call, "vmms.UpdateSwitch", id=a["id"], patch={"type": "private"})
    c.call("vmms.UpdateSwitch", id=a["id"], patch={"name": "lab"})
    s.kill(s.vmms)
    s.start_vmms()
    c = s.client()
    assert c.call("vmms.GetSwitch", id=a["id"])["switch"]["name"] == "lab"
    c.call("vmms.DeleteVm", id=vm["id"])
    c.call("vmms.DeleteSwitch", id=a["id"])
    refused(404, "switch_not_found", c.call, "vmms.GetSwitch", id=a["id"])


def test_network_adapters_are_attached_changed_and_detached(s, c):
    other = c.call("vmms.CreateVm", vm=vm_body("net-other"))["vm"]
    vm = c.call("vmms.CreateVm", vm=vm_body("net-vm") | {"networkAdapters": []})["vm"]
    taken = other["networkAdapters"][0]["macAddress"]
    refused(409, "mac_address_in_use", c.call, "vmms.AttachNetworkAdapter", id=vm["id"], adapter={"macAddress": taken.upper()})
    refused(422, "unknown_field", c.call, "vmms.UpdateVm", id=vm["id"], patch={"networkAdapters": []})
    vm = c.call("vmms.AttachNetworkAdapter", id=vm["id"], adapter={"name": "LAN", "macAddress": "02-AA-bb-00-00-01"})["vm"]
    (a,) = vm["networkAdapters"]
    assert a["macAddress"] == "02:aa:bb:00:00:01" and not a["connected"] and a["switchId"] is None
    switch = c.call("vmms.ListSwitches")["switches"][0]["id"]
    change = lambda **patch: c.call("vmms.UpdateNetworkAdapter", id=vm["id"], adapterId=a["id"], patch=patch)["vm"]["networkAdapters"][0]
    b = change(switchId=switch, vlan={"mode": "access", "id": 7}, macAddressSpoofing=True)
    assert b["connected"] and b["vlan"] == {"mode": "access", "id": 7} and b["macAddressSpoofing"] and b["id"] == a["id"] and b["macAddress"] == a["macAddress"]
    b = change(switchId=None, vlan=None)
    assert not b["connected"] and b["vlan"] is None
    refused(404, "network_adapter_not_found", c.call, "vmms.DetachNetworkAdapter", id=vm["id"], adapterId=str(uuid.uuid4()))
    for i in range(7):
        c.call("vmms.AttachNetworkAdapter", id=vm["id"], adapter={})
    refused(422, "too_many", c.call, "vmms.AttachNetworkAdapter", id=vm["id"], adapter={})
    vm = c.call("vmms.DetachNetworkAdapter", id=vm["id"], adapterId=a["id"])["vm"]
    assert len(vm["networkAdapters"]) == 7 and a["id"] not in [x["id"] for x in vm["networkAdapters"]]
    for x in (vm, other):
        c.call("vmms.DeleteVm", id=x["id"])


def test_vmpriv_does_only_what_its_table_says_and_only_for_vmms(s, c):
    for uid in (0, s.uid + 1):
        os.seteuid(uid)
        try:
            Client(s.run + "/priv.sock").call("vmpriv.ListWorkers")
            raise AssertionError(f"uid {uid} was answered")
        except (ConnectionError, PermissionError):
            pass
        finally:
            os.seteuid(0)
    os.seteuid(s.uid)
    p = Client(s.run + "/priv.sock")
    os.seteuid(0)
    good = dict(id=str(uuid.uuid4()), slot=3, memoryBytes=64 * MIB, vps=1)
    for bad in ({"id": "../../x"}, {"slot": 512}, {"slot": -1}, {"memoryBytes": 1}, {"vps": 65}, {"more": 1}, {"vps": "1"}):
        refused(400, "bad_parameters", p.call, "vmpriv.StartWorker", **(good | bad))
    refused(400, "bad_parameters", p.call, "vmpriv.StartConsole")
    refused(400, "bad_parameters", p.call, "vmpriv.StartConsole", fds=[0, 0])
    refused(400, "bad_parameters", p.call, "vmpriv.PowerHost", action="explode")
    share = dict(id=good["id"], weight=100, quotaUsec=0)
    for bad in ({"id": "x"}, {"weight": 0}, {"weight": 10001}, {"quotaUsec": 999}, {"quotaUsec": 6400001}, {"more": 1}):
        refused(400, "bad_parameters", p.call, "vmpriv.SetProcessor", **(share | bad))
    refused(409, "worker_not_running", p.call, "vmpriv.SetProcessor", **share)
    refused(404, "method_not_found", p.call, "vmpriv.Exec", program="/bin/sh")
    p.call("vmpriv.StartWorker", **good)
    refused(409, "worker_running", p.call, "vmpriv.StartWorker", **good)
    refused(409, "slot_in_use", p.call, "vmpriv.StartWorker", **(good | {"id": str(uuid.uuid4())}))
    row = [w for w in p.call("vmpriv.ListWorkers")["workers"] if w["id"] == good["id"]][0]
    assert row["running"] and row["slot"] == 3
    p.call("vmpriv.StopWorker", id=good["id"])
    s.wait(lambda: not p.call("vmpriv.ListWorkers")["workers"][0]["running"])
    refused(409, "worker_not_running", p.call, "vmpriv.StopWorker", id=good["id"])
    assert not os.path.exists(f'{s.run}/vm/{good["id"]}.sock')


def test_nothing_is_lost_or_half_written_when_vmms_is_killed_in_the_middle_of_changes(s, c):
    known = {}
    for round in range(12):
        c = s.client()
        deadline = time.monotonic() + 0.05 + 0.03 * round
        pending = None
        try:
            n = 0
            pid = os.fork()
            if pid == 0:
                time.sleep(max(0, deadline - time.monotonic()))
                os.kill(s.vmms.pid, signal.SIGKILL)
                os._exit(0)
            while True:
                n += 1
                name = f"vm-{round}-{n}"
                pending = (name, None)
                disks = [{"medium": "disk", "source": {"newDisk": {"name": name, "sizeBytes": MIB}}}] if n % 2 else []
                vm = c.call("vmms.CreateVm", vm=vm_body(name, disks=disks))["vm"]
                known[vm["id"]] = vm
                pending = (name, vm["id"])
                known[vm["id"]] = c.call("vmms.UpdateVm", id=vm["id"], patch={"notes": str(n)})["vm"]
                if n % 3 == 0 or n > 25:        # never near the 512 that are possible
                    c.call("vmms.DeleteVm", id=vm["id"])
                    del known[vm["id"]]
        except (ConnectionError, OSError):
            os.waitpid(pid, 0)
        s.vmms.wait()
        s.start_vmms()
        c = s.client()
        have = {vm["id"]: vm for vm in c.call("vmms.ListVms")["vms"]}
        for id, vm in list(known.items()):
            if id == pending[1]:            # the change under way when it died: done or not, never half
                if id in have:
                    known[id] = have[id]
                    assert have[id]["notes"] in ("", vm["notes"], str(n)), have[id]
                else:
                    del known[id]
                continue
            assert have[id]["notes"] == vm["notes"] and have[id]["disks"] == vm["disks"], (vm, have.get(id))
        extra = set(have) - set(known)
        assert len(extra) <= 1 and all(have[e]["name"] == pending[0] for e in extra), (extra, pending)
        known.update({e: have[e] for e in extra})
        attached = {d["source"]["diskId"] for vm in have.values() for d in vm["disks"]}
        assert {d["id"] for d in c.call("vmms.ListDisks")["disks"]} == attached
        files = {f.split(".")[0] for f in os.listdir(s.state + "/disks")}
        assert files == attached, (files, attached)
        left = [f for d, _, fs in os.walk(s.state) for f in fs if f.startswith(".tmp-")]
        assert not left, left
    assert len(known) > 5
    seqs = [e["seq"] for e in c.call("vmms.ListEvents", limit=1000)["events"]]
    assert seqs == list(range(seqs[0], seqs[0] + len(seqs)))


def test_a_torn_event_line_and_foreign_files_do_not_stop_the_service(s, c):
    c.call("vmms.CreateVm", vm=vm_body("kept"))
    s.kill(s.vmms)
    with open(s.state + "/events.log", "ab") as f:
        f.write(b'{"seq": 99, "ti')
    os.mkdir(s.state + "/vms/" + str(uuid.uuid4()))
    damaged = s.state + "/vms/" + str(uuid.uuid4())
    os.mkdir(damaged)
    open(damaged + "/config.json", "w").write("{")
    open(s.state + "/disks/" + str(uuid.uuid4()) + ".raw", "w").write("left")
    open(s.state + "/isos/.tmp-1", "w").write("left")
    os.system(f"chown -R {s.uid} {s.state}")
    s.start_vmms()
    c = s.client()
    assert [v["name"] for v in c.call("vmms.ListVms")["vms"]] == ["kept"]
    seqs = [e["seq"] for e in c.call("vmms.ListEvents", since=0, limit=1000)["events"]]
    assert seqs == list(range(1, len(seqs) + 1))
    assert os.listdir(s.state + "/disks") == [] and os.listdir(s.state + "/isos") == []
    assert os.path.exists(damaged + "/config.json"), "a configuration that cannot be read must not be removed"


def run_one(build, name):
    """What went wrong, or None."""
    s = Services(build)
    s.uid = os.stat(s.state).st_uid
    try:
        s.start()
        globals()[name](s, s.client())
    except Exception:
        os.seteuid(0)
        return f"{traceback.format_exc()}--- log\n{s.log_text()[-4000:]}"
    finally:
        os.seteuid(0)
        s.stop()


def main():
    build, words = sys.argv[1], sys.argv[2:]
    if os.geteuid() != 0:
        print("services: not run, vmpriv needs root", file=sys.stderr)
        return 0
    names = [n for n in globals() if n.startswith("test_") and (not words or any(w in n for w in words))]
    failed = 0
    with concurrent.futures.ProcessPoolExecutor(4, multiprocessing.get_context("fork"), initializer=die_with_parent) as pool:
        for number, (name, wrong) in enumerate(zip(names, pool.map(run_one, [build] * len(names), names)), 1):
            print(f"{'not ok' if wrong else 'ok'} {number} - {name[5:].replace('_', ' ')}", flush=True)
            if wrong:
                failed += 1
                print(wrong, flush=True)
    print(f"1..{len(names)}")
    return failed != 0


if __name__ == "__main__":
    sys.exit(main())
