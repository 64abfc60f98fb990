"""Lines for the host's log, which names plugin and exchange.

A line costs one host call whether the host keeps it or not. What packages write with the standard ``logging`` goes
there too after ``logging.basicConfig(handlers=[log.handler()], level="INFO")``.
"""

import logging
from typing import Any

from ._host import logging as _host
from ._text import to_text


class Log:
    def trace(self, line: object) -> None:
        self._write(_host.Level.TRACE, line)

    def debug(self, line: object) -> None:
        self._write(_host.Level.DEBUG, line)

    def info(self, line: object) -> None:
        self._write(_host.Level.INFO, line)

    def warn(self, line: object) -> None:
        self._write(_host.Level.WARN, line)

    def error(self, line: object) -> None:
        self._write(_host.Level.ERROR, line)

    def critical(self, line: object) -> None:
        self._write(_host.Level.CRITICAL, line)

    def handler(self) -> logging.Handler:
        """A handler of the standard ``logging`` that writes to the host's log."""
        return _Handler()

    def _write(self, level: Any, line: object) -> None:
        _host.log(level, "", to_text(str(line), "line"))


class _Handler(logging.Handler):
    def emit(self, record: logging.LogRecord) -> None:
        level = _LEVELS.get(record.levelno, _host.Level.TRACE)
        _host.log(level, record.name, to_text(self.format(record), "line"))


_LEVELS = {
    logging.DEBUG: _host.Level.DEBUG,
    logging.INFO: _host.Level.INFO,
    logging.WARNING: _host.Level.WARN,
    logging.ERROR: _host.Level.ERROR,
    logging.CRITICAL: _host.Level.CRITICAL,
}

log = Log()
