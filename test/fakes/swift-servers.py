"""The four servers of OpenStack Swift in one folder, as children of this process. They end when its standard input does.

Swift's own programs read /etc/swift/swift.conf, whatever `swift_dir` says. So this does what /usr/bin/swift-*-server do, after Swift's
own set_swift_dir (as swift-recon uses it) has told where swift.conf is.
"""

import os
import signal
import sys

from swift.common import utils

folder, ports = sys.argv[1], dict(zip(("proxy", "account", "container", "object"), map(int, sys.argv[2:6])))
utils.set_swift_dir(folder)

from swift.common.storage_policy import reload_storage_policies  # noqa: E402

reload_storage_policies()
# As run_wsgi does before it loads a server; what all four have in common is then loaded once.
utils.eventlet_monkey_patch()

import swift.account.server, swift.container.server, swift.obj.server, swift.proxy.server  # noqa: E401, E402, F401
import swift.common.middleware.s3api.s3api, swift.common.middleware.slo, swift.common.middleware.versioned_writes  # noqa: E401, E402, F401
from swift.common.ring import RingBuilder  # noqa: E402
from swift.common.wsgi import run_wsgi  # noqa: E402


def ring(kind):
    """One device on one server: 2**4 partitions, one replica."""
    builder = RingBuilder(4, 1, 0)
    place = {"region": 1, "zone": 1, "ip": "127.0.0.1", "port": ports[kind], "device": "d1", "weight": 1.0}
    builder.add_dev({"id": 0, "meta": "", "replication_ip": place["ip"], "replication_port": place["port"], **place})
    builder.rebalance(seed=1)
    builder.get_ring().save(os.path.join(folder, kind + ".ring.gz"))


def serve(kind):
    """A child of its own, in our process group, that goes with us."""
    pid = os.fork()
    if pid == 0:
        os._exit(run_wsgi(os.path.join(folder, kind + "-server.conf"), kind + "-server", verbose=True) or 0)
    return pid


for kind in ("account", "container", "object"):
    ring(kind)
children = {serve(kind): kind for kind in ports}


def died(*_):
    """One that cannot bind its port ends: the other three are of no use without it."""
    pid, status = os.waitpid(-1, os.WNOHANG)
    if pid in children:
        print("the %s server ended with %d" % (children.pop(pid), status), file=sys.stderr, flush=True)
        stop()


def stop(*_):
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)
    for pid in children:
        os.kill(pid, signal.SIGKILL)
    os._exit(0)


signal.signal(signal.SIGCHLD, died)
signal.signal(signal.SIGTERM, stop)
print(" ".join("%s=%d" % (kind, pid) for pid, kind in children.items()), flush=True)
while os.read(0, 4096):
    pass
stop()
