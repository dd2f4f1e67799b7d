# SPDX-License-Identifier: Apache-2.0
"""Starts vmpriv and vmms in a directory of their own and speaks their protocol (docs/processes.md). Used by run.py."""
import ctypes, json, os, pwd, shutil, signal, socket, subprocess, tempfile, time


def die_with_parent():
    """A test that is killed leaves no service behind; workers of test-worker.c end by themselves after some minutes."""
    PR_SET_PDEATHSIG = 1
    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)


class Refused(Exception):
    def __init__(self, message):
        self.code = message["error"]
        self.parameters = message["parameters"]
        self.status = self.parameters.get("status")
        super().__init__(f'{self.status} {self.code}: {self.parameters.get("detail")} [{self.parameters.get("field")}]')


class Client:
    def __init__(self, path):
        self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.socket.settimeout(30)
        self.socket.connect(path)
        self.buffer = b""

    def send(self, method, parameters, fds=(), more=False):
        message = {"method": method, "parameters": parameters}
        if more:
            message["more"] = True
        socket.send_fds(self.socket, [json.dumps(message).encode() + b"\0"], list(fds))

    def receive(self):
        fds = []
        while b"\0" not in self.buffer:
            data, got, _, _ = socket.recv_fds(self.socket, 65536, 16)
            if not data:
                raise ConnectionError("closed")
            self.buffer += data
            fds += got
        raw, self.buffer = self.buffer.split(b"\0", 1)
        message = json.loads(raw)
        if "error" in message:
            raise Refused(message)
        return message["parameters"], fds

    def call(self, method, fds=(), **parameters):
        return self.call_fds(method, fds, **parameters)[0]

    def call_fds(self, method, fds=(), **parameters):
        self.send(method, parameters, fds)
        return self.receive()

    def close(self):
        self.socket.close()


class Services:
    def __init__(self, build, worker=None, firmware="/usr/share/seabios"):
        self.build, self.firmware = build, firmware
        shared = os.statvfs("/dev/shm") if os.access("/dev/shm", os.W_OK) else None
        memory = "/dev/shm" if shared and shared.f_bavail * shared.f_frsize > 1 << 30 else None     # syncing to a disk is slow, and not what is tested
        self.dir = tempfile.mkdtemp(prefix="partita-services-", dir=memory)
        os.chmod(self.dir, 0o755)
        self.state, self.run = self.dir + "/state", self.dir + "/run"
        self.worker = worker or build + "/unit/services/test-worker"
        self.importer = shutil.which("qemu-img")
        self.user = "nobody"
        os.mkdir(self.run)
        os.chmod(self.run, 0o777)
        os.mkdir(self.state)
        os.chown(self.state, pwd.getpwnam(self.user).pw_uid, -1)
        self.vmpriv = self.vmms = None
        self.log = open(self.dir + "/log", "ab")

    def start_vmpriv(self):
        if os.path.exists(self.run + "/priv.sock"):     # of one that was killed
            os.unlink(self.run + "/priv.sock")
        self.vmpriv = subprocess.Popen(
            [self.build + "/unit/services/vmpriv", "--runtime-dir", self.run, "--worker", self.worker, "--console", self.build + "/bin/console", "--importer", self.importer,
             "--hypervisor-device", "/dev/null", "--vmms-user", self.user], stderr=self.log, preexec_fn=die_with_parent)
        self.wait(self.vmpriv_listens)

    def vmpriv_listens(self):
        if self.vmpriv.poll() is not None:
            raise RuntimeError("vmpriv ended: " + self.log_text())
        return os.path.exists(self.run + "/priv.sock") and os.stat(self.run + "/priv.sock").st_uid != 0

    def start_vmms(self):
        self.vmms = subprocess.Popen(
            [self.build + "/bin/vmms", "--runtime-dir", self.run, "--state-dir", self.state, "--firmware-dir", self.firmware],
            stderr=self.log, user=self.user, group=pwd.getpwnam(self.user).pw_gid, extra_groups=[], preexec_fn=die_with_parent)
        self.wait(self.answers)

    def answers(self):
        if self.vmms.poll() is not None:
            raise RuntimeError("vmms ended: " + self.log_text())
        try:
            c = self.client()
            c.call("vmms.GetHost")
            c.close()
            return True
        except OSError:
            return False

    def start(self):
        self.start_vmpriv()
        self.start_vmms()

    def client(self):
        return Client(self.run + "/vmms.sock")

    def kill(self, process, how=signal.SIGKILL):
        process.send_signal(how)
        process.wait(20)

    def log_text(self):
        return open(self.dir + "/log", errors="replace").read()

    @staticmethod
    def wait(what, seconds=20):
        end = time.monotonic() + seconds
        while not (result := what()):
            if time.monotonic() > end:
                raise TimeoutError("waited too long")
            time.sleep(0.02)
        return result

    def stop(self):
        try:
            c = self.client()
            for vm in c.call("vmms.ListVms")["vms"]:
                if vm["state"] in ("running", "paused", "stopping", "starting", "restoring"):
                    c.call("vmms.VmAction", id=vm["id"], action="turn-off")
            self.wait(lambda: all(v["state"] in ("off", "failed", "saved") for v in c.call("vmms.ListVms")["vms"]))
        except (OSError, Refused, TimeoutError):
            pass
        for p in (self.vmms, self.vmpriv):
            if p and p.poll() is None:
                self.kill(p, signal.SIGTERM)
        self.log.close()
        shutil.rmtree(self.dir, ignore_errors=True)
