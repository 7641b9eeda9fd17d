"""SIP2: what a device speaks with any library system. docs/SIP2.md tells it to a person.

Pure: layouts, messages, charset, framing, connection, dialects, requests, answers. With I/O:
transport, client; verify and circulate are the core's ports over them.
"""
