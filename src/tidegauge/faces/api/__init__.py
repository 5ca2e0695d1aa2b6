"""The HTTP API: a process of its own, fed by what daemons show of themselves (docs/api.md).

`app` joins the routers (`market`, `history`, `desk`, `stream`) with the doors in front of them (`doors`),
which know who may ask (`access`). `process` runs it, `companion` does so beside a monitor.
"""
