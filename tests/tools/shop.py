"""A FastAPI application on loopback, as people write them: paths, queries, bodies, a key in the header, errors."""

# Annotations are not put off here: FastAPI reads those that name what is defined within the function.

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Annotated, Any

import fastapi
import uvicorn
from fastapi import Body, Depends, FastAPI, Form, HTTPException, Query, Request, Response, UploadFile
from fastapi.security import APIKeyHeader, HTTPBasic, HTTPBasicCredentials, HTTPBearer
from pydantic import BaseModel, Field

KEY = "key-of-the-shop-123"


class Item(BaseModel):
    """An item of the shop; it may hold others."""

    name: str = Field(description="What it is called")
    price: float
    parts: list["Item"] = []


def application() -> FastAPI:
    """The application, with its own store."""
    app = FastAPI(title="Shop")
    items: dict[int, Item] = {1: Item(name="tea", price=2.5)}
    header = APIKeyHeader(name="X-Shop-Key")

    def let_in(key: Annotated[str, Depends(header)]) -> None:
        if key != KEY:
            raise HTTPException(401, "wrong key")

    @app.get("/items/{item_id}", dependencies=[Depends(let_in)], operation_id="get_item")
    def get_item(item_id: int, verbose: bool = False) -> dict[str, Any]:
        """Tells an item by its number."""
        if item_id not in items:
            raise HTTPException(404, f"there is no item {item_id}")
        return {**items[item_id].model_dump(), "verbose": verbose}

    @app.post("/items", dependencies=[Depends(let_in)], status_code=201, operation_id="create_item")
    def create_item(item: Item) -> dict[str, int]:
        """Adds an item."""
        items[max(items) + 1] = item
        return {"id": max(items)}

    @app.get("/search", operation_id="search")
    def search(
        request: Request,
        q: Annotated[list[str] | None, Query(description="Words")] = None,
        x_trace: Annotated[str, fastapi.Header()] = "",
        seen: Annotated[str, fastapi.Cookie()] = "",
    ) -> dict[str, Any]:
        return {"q": q, "trace": x_trace, "seen": seen, "keys": sorted(request.headers.keys())}

    @app.post("/login", operation_id="login")
    def login(user: Annotated[str, Form()], password: Annotated[str, Form()]) -> str:
        return f"{user}:{len(password)}"

    @app.post("/upload", operation_id="upload")
    def upload(file: UploadFile) -> int:
        return file.size or 0

    @app.put("/note", operation_id="note")
    def note(text: Annotated[str, Body(media_type="text/plain")]) -> str:
        return text

    @app.get("/basic", operation_id="basic")
    def basic(who: Annotated[HTTPBasicCredentials, Depends(HTTPBasic())]) -> str:
        return f"{who.username}/{who.password}"

    @app.get("/bearer", operation_id="bearer")
    def bearer(who: Annotated[Any, Depends(HTTPBearer())]) -> str:
        return str(who.credentials)

    @app.get("/broken", operation_id="broken")
    def broken() -> None:
        raise HTTPException(500, "\x1b[31mthe shop burns")

    @app.get("/away", operation_id="away")
    def away(to: str) -> Response:
        return fastapi.responses.RedirectResponse(to)

    @app.get("/bytes", operation_id="binary")
    def binary() -> Response:
        return Response(b"\x00\x01\xff" * 1000, media_type="application/octet-stream")

    @app.get("/endless", operation_id="endless")
    def endless() -> fastapi.responses.StreamingResponse:
        def pieces() -> Iterator[bytes]:
            while True:
                yield b"z" * 100_000

        return fastapi.responses.StreamingResponse(pieces(), media_type="text/plain")

    return app


@contextmanager
def served(app: FastAPI) -> Iterator[str]:
    """The address at which the application answers."""
    server = uvicorn.Server(uvicorn.Config(app, port=0, log_level="critical", lifespan="off"))
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    while not server.started:
        thread.join(0.005)
        assert thread.is_alive()
    port = server.servers[0].sockets[0].getsockname()[1]
    try:
        yield f"http://127.0.0.1:{port}"
    finally:
        server.should_exit = True
        server.force_exit = True
        thread.join()
