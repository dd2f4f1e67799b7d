# SPDX-License-Identifier: Apache-2.0
"""The appliance of appliance.json as these tests use it: REST, serial ports of guests, a root shell; and how a test says what it saw."""
import base64, contextlib, json, os, socket, ssl, subprocess, sys, tempfile, threading, time, urllib.error, urllib.parse, urllib.request, uuid

MIB = 1 << 20
RUN = os.environ.get("RUN", "build/run")
GROUPS = "/sys/fs/cgroup/system.slice/partita-vmpriv.service"


class Refused(Exception):
    def __init__(self, problem):
        self.code, self.detail = problem["code"], problem.get("detail", "")
        super().__init__(f"{self.code}: {self.detail}")


class Api:
    def __init__(self, path=RUN + "/appliance.json"):
        with open(path, encoding="utf-8") as file:
            self.told = json.load(file)
        self.path = path
        self.url = self.told["url"].rstrip("/") + "/api/v1"
        self.context = ssl._create_unverified_context()
        self.cookie = self.csrf = None
        self.log_in()

    def call(self, method, path, body=None, raw=None):
        headers = {"Content-Type": "application/octet-stream" if raw else "application/json"}
        if method == "PATCH":
            headers["Content-Type"] = "application/merge-patch+json"
        if self.cookie:
            headers |= {"Cookie": self.cookie, "X-CSRF-Token": self.csrf or ""}
        data = raw or (json.dumps(body).encode() if body is not None else None)
        request = urllib.request.Request(self.url + path, data, headers, method=method)
        try:
            with urllib.request.urlopen(request, context=self.context, timeout=120) as answer:
                self.cookie = (answer.headers.get("Set-Cookie") or self.cookie or "").split(";")[0] or None
                text = answer.read()
                return json.loads(text) if answer.headers.get_content_type() == "application/json" else text.decode()
        except urllib.error.HTTPError as error:
            raise Refused(json.loads(error.read())) from None

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

    def upload_iso(self, name, image):
        id = str(uuid.uuid4())
        self.call("PUT", f"/isos/{id}?name={name}-{id[:8]}", raw=image)
        return id

    def new_vm(self, name, iso, memory, **more):
        body = {"name": f"{name}-{uuid.uuid4().hex[:6]}", "processor": {"count": 1}, "memory": memory, "networkAdapters": [],
                "disks": [{"medium": "dvd", "source": {"isoId": iso}}]} | more
        return self.call("POST", "/vms", body)["id"]

    def vm(self, id):
        return self.call("GET", "/vms/" + id)

    def patch(self, id, **fields):
        return self.call("PATCH", "/vms/" + id, fields)

    def act(self, vm, action, seconds=240):
        """Raises Refused when the action is refused or its job fails."""
        job = self.call("POST", f"/vms/{vm}/actions/{action}")["id"]
        done = wait(lambda: (j := self.call("GET", "/jobs/" + job))["state"] != "running" and j, seconds, action)
        if done["state"] == "failed":
            raise Refused(done["error"])

    def remove(self, *vms):
        for vm in vms:
            try:
                self.act(vm, "turn-off")
            except Refused:
                pass                        # it is off, or has failed
        for vm in vms:
            wait(lambda: self.vm(vm)["state"] in ("off", "failed"), 60, "the VM to be off")
            self.call("DELETE", "/vms/" + vm)

    def events(self, type, vm):
        return [e for e in self.call("GET", "/events?limit=500")["items"] if e["type"] == type and e["object"]["id"] == vm]


class Serial:
    """The guest's COM1 over a WebSocket (RFC 6455), line by line."""

    def __init__(self, api, vm):
        parts = urllib.parse.urlsplit(api.url)
        raw = socket.create_connection((parts.hostname, parts.port), 30)
        self.socket = api.context.wrap_socket(raw, server_hostname=parts.hostname)
        self.socket.sendall((f"GET {parts.path}/vms/{vm}/serial/1 HTTP/1.1\r\nHost: {parts.netloc}\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
                             f"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: {base64.b64encode(os.urandom(16)).decode()}\r\n"
                             f"Sec-WebSocket-Protocol: binary\r\nOrigin: https://{parts.netloc}\r\nCookie: {api.cookie}\r\n\r\n").encode())
        head = b""
        while b"\r\n\r\n" not in head:
            head += self.socket.recv(1)
        if b" 101 " not in head.split(b"\r\n")[0]:
            raise ConnectionError(head.decode())
        self.text, self.killed, self.lost = "", False, None
        self.news = threading.Condition()
        threading.Thread(target=self.listen, daemon=True).start()

    def exactly(self, size):
        data = b""
        while len(data) < size:
            got = self.socket.recv(size - len(data))
            if not got:
                raise ConnectionError("the serial port was closed")
            data += got
        return data

    def frame(self):
        first, second = self.exactly(2)
        size = second & 127
        if size >= 126:
            size = int.from_bytes(self.exactly(2 if size == 126 else 8))
        data = self.exactly(size)
        if first & 15 == 9:                 # ping: the server closes what does not answer
            self.send(10, data)
        return data.decode(errors="replace") if first & 15 in (0, 1, 2) else ""

    def listen(self):
        self.socket.settimeout(None)
        while not self.lost:
            try:
                text, lost = self.frame(), None
            except OSError as error:
                text, lost = "", error
            with self.news:
                self.text, self.lost = self.text + text, lost
                self.news.notify_all()

    def send(self, kind, data):
        mask = os.urandom(4)
        assert len(data) < 126
        self.socket.sendall(bytes([0x80 | kind, 0x80 | len(data)]) + mask + bytes(b ^ mask[i % 4] for i, b in enumerate(data)))

    def write(self, text):
        self.send(2, text.encode())

    def take(self, word):
        """The rest of the first line that has the word, or None; what came before it is forgotten."""
        *lines, rest = self.text.split("\n")
        for i, line in enumerate(lines):
            self.killed |= "Out of memory" in line
            if word in line:
                self.text = "\n".join([*lines[i + 1:], rest])
                return line.split(word, 1)[1].strip()
        self.text = rest
        return None

    def expect(self, word, seconds):
        end = time.monotonic() + seconds
        with self.news:
            while (found := self.take(word)) is None:
                if self.lost:
                    raise self.lost
                if not self.news.wait(max(0, end - time.monotonic())):
                    raise TimeoutError(f"the guest did not say {word!r} within {seconds} s, but {self.text!r}")
            return found

    def ask(self, command, answer, seconds):
        self.write(command + "\n")
        return self.expect(answer, seconds)


# --- the root partition ---

def root(command, seconds=120):
    environment = os.environ | {"SHELL_SOCKET": RUN + "/shell.sock", "TIMEOUT": str(seconds)}
    return subprocess.run(["image/run/root-shell", command], check=True, capture_output=True, text=True, env=environment).stdout


def group_values(file, vms):
    """The number in a file of each VM's control group, or of its line "KEY number" (file:KEY); all read at once."""
    name, _, key = file.partition(":")
    pick = f"awk '$1 == \"{key}\" {{ print $2 }}'" if key else "cat"
    text = root(f"cd {GROUPS}; for vm in {' '.join(vms)}; do {pick} vm-$vm/{name}; done; awk '{{ print $1 }}' /proc/uptime")
    words = text.split()
    return [int(w) for w in words[:-1]], float(words[-1])


@contextlib.contextmanager
def host_memory_for_vms(api, megabytes):
    """While it lasts, VMs have so much in all: an idle VM of fixed memory and a larger reserve (three quarters at most) hold the rest."""
    m = api.call("GET", "/host/memory")
    surplus = m["reserveBytes"] + m["availableBytes"] + m["assignedBytes"] - megabytes * MIB
    held = max(0, surplus - m["totalBytes"] // 4 * 3) // MIB // 2 * 2 + 64
    holder = api.new_vm("holder", api.upload_iso("halt", iso_of_boot_sector(b"\xfa\xf4\xeb\xfd")), {"startupBytes": held * MIB, "dynamic": False})
    api.act(holder, "start")
    api.call("PATCH", "/host/memory", {"reserveBytes": surplus - held * MIB})
    try:
        yield
    finally:
        api.call("PATCH", "/host/memory", {"reserveBytes": None})
        api.remove(holder)


# --- saying what was seen ---

def row(name, unit, value):
    print(json.dumps({"area": "resources", "name": name, "unit": unit, "ours": value}), flush=True)


def note(text):
    print(f"# {text}", file=sys.stderr, flush=True)


def wait(what, seconds, name):
    end = time.monotonic() + seconds
    while not (result := what()):
        if time.monotonic() > end:
            raise TimeoutError(f"waited {seconds} s for {name}")
        time.sleep(0.5)
    return result


def run_tests(tests):
    """Each is a function; its name is what must be true. Arguments choose by a part of the name. Exit status: did all hold?"""
    api, wrong = Api(), 0
    for test in tests:
        name = test.__name__.replace("_", " ")
        if len(sys.argv) > 1 and not any(word in name for word in sys.argv[1:]):
            continue
        begin = time.monotonic()
        try:
            test(api)
            print(f"ok {name} ({time.monotonic() - begin:.0f} s)", flush=True)
        except Exception as error:              # one that fails does not end the others
            wrong += 1
            print(f"not ok {name}: {type(error).__name__}: {error}", flush=True)
        while vms := api.call("GET", "/vms?limit=100")["items"]:
            api.remove(*(vm["id"] for vm in vms))
    sys.exit(wrong > 0)


def iso_of_boot_sector(code):
    with tempfile.TemporaryDirectory() as folder:
        with open(folder + "/boot.bin", "wb") as file:
            file.write(code.ljust(2048, b"\0"))
        subprocess.run(["xorriso", "-as", "mkisofs", "-quiet", "-b", "boot.bin", "-no-emul-boot", "-boot-load-size", "4",
                        "-o", folder + "/iso", folder], check=True, stderr=subprocess.DEVNULL)
        with open(folder + "/iso", "rb") as file:
            return file.read()
