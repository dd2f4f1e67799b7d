#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""poll.py BUILD [VMS]: what vmms' round of a second costs with so many running VMs (200 by default), whose workers are the stand-ins of
tests/services: half of them with dynamic memory, their guests' demand between minimum and maximum. Prints rows as JSON lines."""
import json, os, sys, time

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "../services"))
from services import Services

MIB, SECONDS = 1 << 20, 20


def cpu_seconds(pid):
    with open(f"/proc/{pid}/stat", encoding="utf-8") as file:
        fields = file.read().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def main():
    build, count = os.path.abspath(sys.argv[1]), int(sys.argv[2]) if len(sys.argv) > 2 else 200
    s = Services(build)
    try:
        s.start()
        c = s.client()
        for n in range(count):
            memory = {"startupBytes": 32 * MIB} | ({"dynamic": True, "minimumBytes": 32 * MIB, "maximumBytes": 64 * MIB} if n % 2 else {})
            vm = c.call("vmms.CreateVm", vm={"name": f"demand-{25 + n % 8}-{n}", "processor": {"count": 1}, "memory": memory})["vm"]["id"]
            c.call("vmms.VmAction", id=vm, action="start")
        s.wait(lambda: all(vm["state"] == "running" for vm in c.call("vmms.ListVms")["vms"]), 600)
        time.sleep(5)
        begin = cpu_seconds(s.vmms.pid)
        time.sleep(SECONDS)
        percent = 100 * (cpu_seconds(s.vmms.pid) - begin) / SECONDS
        print(json.dumps({"area": "poll", "name": f"vmms with {count} running VMs", "unit": "% of a core", "ours": round(percent, 2)}))
        with open(f"/proc/{s.vmms.pid}/smaps_rollup", encoding="utf-8") as file:
            pss = next(int(line.split()[1]) for line in file if line.startswith("Pss:"))
        print(json.dumps({"area": "poll", "name": f"vmms with {count} running VMs: memory (PSS)", "unit": "KiB", "ours": pss}))
    finally:
        s.stop()


main()
