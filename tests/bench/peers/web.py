"""The FastAPI door: check the signature, enqueue, answer."""

from __future__ import annotations

import base64
import hmac
import json
import os
import time

from fastapi import FastAPI, HTTPException, Request

from .tasks import deliver

KEY = base64.b64decode(os.environ["BENCH_SECRET"].removeprefix("whsec_"))
TOLERANCE_S = 300
app = FastAPI()


@app.post("/ingest/shop", status_code=202)
async def ingest(request: Request):
    """Take one event."""
    body, headers = await request.body(), request.headers
    message_id, timestamp = headers["webhook-id"], headers["webhook-timestamp"]
    signed = f"{message_id}.{timestamp}.".encode() + body
    expected = "v1," + base64.b64encode(hmac.digest(KEY, signed, "sha256")).decode()
    if (
        not hmac.compare_digest(expected, headers["webhook-signature"])
        or abs(time.time() - int(timestamp)) > TOLERANCE_S
    ):
        raise HTTPException(401)
    deliver.delay(json.loads(body))
    return {"status": "accepted"}
