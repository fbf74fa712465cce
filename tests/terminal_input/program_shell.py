"""As much of a shell as suspending needs: runs a program in the foreground, and continues it on `fg`."""

from __future__ import annotations

import os
import signal
import sys
import termios


def main() -> None:
    """Run the rest of the command line until it ends."""
    signal.signal(signal.SIGTTOU, signal.SIG_IGN)
    shell_modes = termios.tcgetattr(0)
    child = os.fork()
    if child == 0:
        os.setpgid(0, 0)
        os.tcsetpgrp(0, os.getpid())
        signal.signal(signal.SIGTTOU, signal.SIG_DFL)
        os.execv(sys.executable, [sys.executable, *sys.argv[1:]])
    while True:
        _process, status = os.waitpid(child, os.WUNTRACED)
        os.tcsetpgrp(0, os.getpgrp())
        if not os.WIFSTOPPED(status):
            return
        echo = bool(termios.tcgetattr(0)[3] & termios.ECHO)
        print("\nshell: stopped, echo", "on" if echo else "off", flush=True)
        child_modes = termios.tcgetattr(0)
        termios.tcsetattr(0, termios.TCSADRAIN, shell_modes)
        while sys.stdin.readline() != "fg\n":
            pass
        termios.tcsetattr(0, termios.TCSADRAIN, child_modes)
        os.tcsetpgrp(0, child)
        os.kill(-child, signal.SIGCONT)


if __name__ == "__main__":
    main()
