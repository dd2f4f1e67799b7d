#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""crowd.py [MOST]: many tiny VMs on the appliance of build/run/appliance.json (RUN= another folder), which should have one processor.

First how three busy VMs of weights 1:2:4 share it for a minute, and whether a limit holds; then as many idle ones of 32 MiB as the host takes (at
most MOST, 512 by default), and what each takes of memory: worker, kernel, hypervisor. Prints rows as JSON lines. The guests are boot
sectors: a loop, and a halt."""
import json, os, ssl, subprocess, sys, tempfile, time, urllib.error, urllib.request, uuid

MIB = 1 << 20
RUN = os.environ.get("RUN", "build/run")
BUSY, IDLE = b"\xfa\xeb\xfe", b"\xfa\xf4\xeb\xfd"       # cli; 1: jmp 1b    and    cli; 1: hlt; jmp 1b
SECONDS = int(os.environ.get("SECONDS_BUSY", "60"))


class Api:
    def __init__(self, path):
        with open(path, encoding="utf-8") as file:
            self.told = json.load(file)
        self.path, self.token = path, None
        self.url = self.told["url"].rstrip("/") + "/api/v1"
        self.context = ssl._create_unverified_context()
        self.cookie = self.csrf = None

    def call(self, method, path, body=None, raw=None):
        headers = {"Content-Type": "application/octet-stream" if raw else "application/json"}
        if self.cookie:
            headers |= {"Cookie": self.cookie, "X-CSRF-Token": self.csrf}
        data = raw or (json.dumps(body).encode() if body is not None else None)
        request = urllib.request.Request(self.url + path, data, headers, method=method)
        with urllib.request.urlopen(request, context=self.context, timeout=120) as answer:
            self.cookie = (answer.headers.get("Set-Cookie") or self.cookie or "").split(";")[0] or None
            text = answer.read()
            return json.loads(text) if answer.headers.get_content_type() == "application/json" else text.decode()

    def log_in(self):
        name, password = self.told["adminUser"], self.told["adminPassword"]
        session = self.call("POST", "/sessions", {"username": name, "password": password})
        self.csrf = session["csrfToken"]
        if session["passwordChangeRequired"]:
            new = uuid.uuid4().hex
            self.call("PATCH", "/users/" + session["user"]["id"], {"currentPassword": password, "password": new})
            self.told["adminPassword"] = new
            with open(self.path, "w", encoding="utf-8") as file:
                json.dump(self.told, file)
            self.cookie = None
            self.log_in()


def row(name, unit, value):
    print(json.dumps({"area": "crowd", "name": name, "unit": unit, "ours": value}), flush=True)


def iso_of(api, name, code):
    with tempfile.TemporaryDirectory() as folder:
        with open(folder + "/boot.bin", "wb") as file:
            file.write(code.ljust(2048, b"\0"))
        subprocess.run(["xorriso", "-as", "mkisofs", "-quiet", "-b", "boot.bin", "-no-emul-boot", "-boot-load-size", "4",
                        "-o", folder + ".iso", folder], check=True, stderr=subprocess.DEVNULL)
        with open(folder + ".iso", "rb") as file:
            image = file.read()
        os.unlink(folder + ".iso")
    id = str(uuid.uuid4())
    api.call("PUT", f"/isos/{id}?name={name}-{id[:8]}", raw=image)
    return id


def new_vm(api, name, iso, **processor):
    body = {"name": f"{name}-{uuid.uuid4().hex[:8]}", "processor": {"count": 1} | processor, "memory": {"startupBytes": 32 * MIB},
            "networkAdapters": [], "disks": [{"medium": "dvd", "source": {"isoId": iso}}]}
    return api.call("POST", "/vms", body)["id"]


def act(api, vm, action, state):
    """The problem's code when the action was refused or its job failed."""
    try:
        job = api.call("POST", f"/vms/{vm}/actions/{action}")["id"]
    except urllib.error.HTTPError as error:
        return json.loads(error.read())["code"]
    end = time.monotonic() + 180
    while time.monotonic() < end:
        done = api.call("GET", "/jobs/" + job)
        if done["state"] != "running":
            return done["error"] and done["error"]["code"] + ": " + done["error"]["detail"]
        time.sleep(0.2)
    raise TimeoutError(f"{action}: not {state}")


def start(api, vm):
    why = act(api, vm, "start", "running")
    if why:
        sys.exit(f"a VM does not start: {why}")


def remove(api, vms):
    for vm in vms:
        act(api, vm, "turn-off", "off")
    for vm in vms:
        api.call("DELETE", "/vms/" + vm)


def cpu_seconds(api, vms):
    """Of each VM, and the clock of this machine when it was read."""
    text = api.call("GET", "/metrics")
    found = {line.split('id="')[1].split('"')[0]: float(line.rsplit(" ", 1)[1]) for line in text.splitlines()
             if line.startswith("partita_vm_cpu_seconds_total{")}
    return [found[vm] for vm in vms], time.monotonic()


def used(api, vms, seconds):
    before, begin = cpu_seconds(api, vms)
    time.sleep(seconds)
    after, end = cpu_seconds(api, vms)
    return [b - a for a, b in zip(before, after)], end - begin


def shares(api):
    iso = iso_of(api, "busy", BUSY)
    vms = [new_vm(api, f"weight-{w}", iso, weight=w) for w in (100, 200, 400)]
    for vm in vms:
        start(api, vm)
    time.sleep(20)                          # the firmware's part of it
    times, _ = used(api, vms, SECONDS)
    for weight, seconds in zip((1, 2, 4), times):
        row(f"busy VM of weight {weight} among 1:2:4: its share", "%", round(100 * seconds / sum(times), 1))
    remove(api, vms)
    vm = new_vm(api, "limited", iso, limitPercent=30)
    start(api, vm)
    time.sleep(20)
    times, elapsed = used(api, [vm], SECONDS)
    row("busy VM with a limit of 30 %: takes", "%", round(100 * times[0] / elapsed, 1))
    remove(api, [vm])


def root(command):
    return subprocess.run(["image/run/root-shell", command], check=True, capture_output=True, text=True).stdout


def available_mib():
    return int(root("awk '/^MemAvailable/ { print $2 }' /proc/meminfo")) >> 10


def density(api, most):
    iso, vms, why = iso_of(api, "idle", IDLE), [], None
    before = available_mib()
    begin = time.monotonic()
    while len(vms) < most and not why:
        vm = new_vm(api, "tiny", iso)
        why = act(api, vm, "start", "running")
        if why:
            api.call("DELETE", "/vms/" + vm)
        else:
            vms.append(vm)
    row("VMs of 32 MiB that run at once", "", len(vms))
    row("to start them", "s each", round((time.monotonic() - begin) / max(len(vms), 1), 2))
    print("the next one: " + (why or "not tried"), file=sys.stderr)
    time.sleep(40)                          # until the usage has been asked for
    holders = api.call("GET", "/host/memory")["holders"]
    pss = int(root("cat /proc/[0-9]*/comm /dev/null | grep -c '^vmwp$'")), int(root(
        "for p in $(pgrep -x vmwp); do cat /proc/$p/smaps_rollup; done | awk '/^Pss_(Anon|File):/ { s += $2 } END { print s + 0 }'"))
    one = api.call("GET", "/vms/" + vms[0])["memory"]
    row("worker: private and its part of files (PSS)", "KiB each", pss[1] // max(pss[0], 1))
    row("worker and kernel, as their control groups count", "KiB each", sum(h["workerBytes"] for h in holders) // len(holders) >> 10)
    row("guest's memory that has been touched", "KiB each", one["backedBytes"] >> 10)
    row("all that is gone from the host", "KiB each", ((before - available_mib()) << 10) // len(vms))
    usage = root("cat /sys/fs/cgroup/system.slice/partita-vmms.service/cpu.stat | awk '/usage_usec/ { print $2 }'; sleep 20; "
                 "cat /sys/fs/cgroup/system.slice/partita-vmms.service/cpu.stat | awk '/usage_usec/ { print $2 }'").split()
    row(f"vmms with {len(vms)} running VMs takes", "% of a core", round((int(usage[1]) - int(usage[0])) / 20e4, 2))
    remove(api, vms)


def main():
    api = Api(RUN + "/appliance.json")
    api.log_in()
    shares(api)
    density(api, int(sys.argv[1]) if len(sys.argv) > 1 else 512)


main()
