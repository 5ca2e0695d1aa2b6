"""The HTTP API: a process of its own that shows what daemons show, and takes orders for them.

`app` joins the routers with the doors in front of them (`doors`), which know who may ask (`access`).
`serving` serves it, `companion` does so beside a monitor.
"""
