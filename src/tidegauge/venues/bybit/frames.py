"""What every frame of a Bybit socket looks like."""

import msgspec

from tidegauge.wire.decode import NOTHING, FrameDecoder, Millis


class Envelope(msgspec.Struct):
    """What tells a topic's frame and an answer to a request apart."""

    topic: str = ""
    type: str = ""
    ts: Millis | str | None = None
    cts: Millis | None = None
    data: msgspec.Raw = NOTHING
    op: str = ""
    success: bool | None = None
    ret_msg: str = ""
    req_id: str = ""


read_envelope = FrameDecoder(Envelope)
