"""Programs in Go, Java and C#, for the official SDKs; the body goes through them as the JSON that it is."""

from __future__ import annotations

import textwrap
from typing import TYPE_CHECKING, Any

from gptchat.commands.programs import quoting
from gptchat.commands.programs.request import place
from gptchat.errors import UsageError
from gptchat.words import _

if TYPE_CHECKING:
    from gptchat.commands.programs.request import ShownRequest

_GO = {
    "chat.completions": (
        "openai.ChatCompletionNewParams",
        "Chat.Completions.New",
        "reply.Choices[0].Message.Content",
    ),
    "responses": ("responses.ResponseNewParams", "Responses.New", "reply.OutputText()"),
    "completions": ("openai.CompletionNewParams", "Completions.New", "reply.Choices[0].Text"),
}
"""Parameters, method and text of a reply for each call of openai-go."""


def go(request: ShownRequest) -> str:
    """A program for openai-go."""
    where = place(request.url)
    parameters, method, text = _GO[where.call]
    key = f"os.Getenv({quoting.go(request.variable)})" if request.variable else '"none"'
    imports = ["github.com/openai/openai-go/v3", "github.com/openai/openai-go/v3/packages/param"]
    if where.version:
        imports.append("github.com/openai/openai-go/v3/azure")
        options = [
            f"azure.WithEndpoint({quoting.go(where.base)}, {quoting.go(where.version)})",
            f"azure.WithAPIKey({key})",
        ]
    else:
        options = [f"option.WithAPIKey({key})", f"option.WithBaseURL({quoting.go(where.base)})"]
    options += [
        f"option.WithHeader({quoting.go(name)}, {quoting.go(value)})" for name, value in request.headers.items()
    ]
    options += [
        f"option.WithQuery({quoting.go(name)}, {quoting.go(value)})" for name, value in where.query.items()
    ]
    if any(option.startswith("option.") for option in options):
        imports.append("github.com/openai/openai-go/v3/option")
    if where.call == "responses":
        imports.append("github.com/openai/openai-go/v3/responses")
    standard = ["context", "encoding/json", "fmt", *(["os"] if request.variable else [])]
    lines = "\n".join(f'\t"{name}"' if name else "" for name in (*standard, "", *sorted(imports)))
    body = quoting.document(request.body, "`")  # a raw string has no escapes, and cannot hold its own sign
    return (
        f"package main\n\nimport (\n{lines}\n)\n\nconst body = `{body}`\n\nfunc main() {{\n"
        "\tclient := openai.NewClient(\n" + "".join(f"\t\t{option},\n" for option in options) + "\t)\n"
        f"\tparams := param.Override[{parameters}](json.RawMessage(body))\n"
        f"\treply, err := client.{method}(context.Background(), params)\n"
        f"\tif err != nil {{\n\t\tpanic(err)\n\t}}\n\tfmt.Println({text})\n}}\n"
    )


_JAVA = {
    "chat.completions": (
        "com.openai.models.chat.completions.ChatCompletionCreateParams",
        "messages",
        "chat().completions()",
        'System.out.println(reply.choices().get(0).message().content().orElse(""));',
    ),
    "responses": (
        "com.openai.models.responses.ResponseCreateParams",
        "",
        "responses()",
        """\
reply.output().stream()
    .flatMap(item -> item.message().stream())
    .flatMap(message -> message.content().stream())
    .flatMap(part -> part.outputText().stream())
    .forEach(part -> System.out.println(part.text()));""",
    ),
    "completions": (
        "com.openai.models.completions.CompletionCreateParams",
        "prompt",
        "completions()",
        "System.out.println(reply.choices().get(0).text());",
    ),
}
"""Parameters, what they insist on, service and what prints a reply, for each call of openai-java."""


def java(request: ShownRequest) -> str:
    """A program for openai-java, from Java 17."""
    where = place(request.url)
    parameters, insisted, service, printing = _JAVA[where.call]
    short = parameters.rpartition(".")[2]
    azure = request.key_header.lower().startswith("api-key")
    key = f"System.getenv({quoting.java(request.variable)})" if request.variable else '"none"'
    imports = [
        *("com.fasterxml.jackson.core.type.TypeReference", "com.fasterxml.jackson.databind.ObjectMapper"),
        *("com.openai.client.okhttp.OpenAIOkHttpClient", "com.openai.core.JsonValue", "java.util.Map", parameters),
    ]
    options = [f".baseUrl({quoting.java(where.base)})"]
    if azure:
        imports += ["com.openai.azure.AzureUrlPathMode", "com.openai.azure.credential.AzureApiKeyCredential"]
        mode = "LEGACY" if where.version else "UNIFIED"
        options += [
            f".credential(AzureApiKeyCredential.create({key}))",
            f".azureUrlPathMode(AzureUrlPathMode.{mode})",
        ]
    else:
        options.append(f".apiKey({key})")
    if where.version:
        imports.append("com.openai.azure.AzureOpenAIServiceVersion")
        options.append(
            f".azureServiceVersion(AzureOpenAIServiceVersion.fromString({quoting.java(where.version)}))"
        )
    options += [
        f".putHeader({quoting.java(name)}, {quoting.java(text)})" for name, text in request.headers.items()
    ]
    options += [
        f".putQueryParam({quoting.java(name)}, {quoting.java(text)})" for name, text in where.query.items()
    ]
    body = {name: value for name, value in request.body.items() if name != "model"}
    builder = f"{short}.builder().model({quoting.java(request.body.get('model') or where.deployment)})"
    if insisted:  # the builder wants it; the value comes from the body
        imports.append("com.openai.core.JsonMissing")
        builder += f".{insisted}(JsonMissing.of())"
    lines = "".join(f"import {name};\n" for name in sorted(imports))
    chained = "".join(f"\n            {option}" for option in options)
    return (
        f"{lines}\npublic class Main {{\n    public static void main(String[] arguments) throws Exception {{\n"
        f"        var client = OpenAIOkHttpClient.builder(){chained}\n            .build();\n"
        f"        var json = {_block(body)};\n"
        "        var body = new ObjectMapper().readValue(json, new TypeReference<Map<String, Object>>() {});\n"
        f"        var params = {builder};\n"
        "        body.forEach((name, value) -> params.putAdditionalBodyProperty(name, JsonValue.from(value)));\n"
        f"        var reply = client.{service}.create(params.build());\n"
        f"{textwrap.indent(printing, ' ' * 8)}\n    }}\n}}\n"
    )


def _block(body: dict[str, Any]) -> str:
    """A text block of Java; its backslashes are doubled, and three quotes never follow each other in JSON."""
    text = textwrap.indent(quoting.document(body).replace("\\", "\\\\"), " " * 12)
    return f'"""\n{text}\n            """'


_AZURE_VERSIONS = {"2024-06-01": "V2024_06_01", "2024-10-21": "V2024_10_21"}
"""Versions of Azure's classic API that are no previews, and their names in Azure.AI.OpenAI."""


def csharp(request: ShownRequest) -> str:
    """A program for OpenAI .NET, with Azure.AI.OpenAI for Azure's classic API. Raises UsageError."""
    where = place(request.url)
    chat = where.call == "chat.completions"
    if where.call == "completions" or (where.version and not chat):
        raise UsageError(
            _("the SDK for C# has no client for {path} there").format(path=request.url.split("?")[0]),
            hint=_("/code curl shows the request as it is sent"),
        )
    using = ["System", "System.ClientModel", "System.ClientModel.Primitives", "System.Text.Json"]
    key = (
        f"Environment.GetEnvironmentVariable({quoting.java(request.variable)})!" if request.variable else '"none"'
    )
    model = quoting.java(request.body.get("model") or where.deployment)
    opening = ""
    if where.version:
        using += ["Azure.AI.OpenAI", "OpenAI.Chat"]
        version = _AZURE_VERSIONS.get(where.version, "")
        if not version:
            opening = f"// the SDK's own version of the API is used in place of {where.version}\n"
        options = f"AzureOpenAIClientOptions.ServiceVersion.{version}" if version else ""
        client = (
            f"new AzureOpenAIClient(new Uri({quoting.java(where.base)}), new ApiKeyCredential({key}),\n"
            f"    new AzureOpenAIClientOptions({options})).GetChatClient({quoting.java(where.deployment)})"
        )
    elif chat:
        using += ["OpenAI", "OpenAI.Chat"]
        client = (
            f"new ChatClient({model}, new ApiKeyCredential({key}),\n"
            f"    new OpenAIClientOptions {{ Endpoint = new Uri({quoting.java(where.base)}) }})"
        )
    else:
        using += ["OpenAI.Responses"]
        opening = "#pragma warning disable OPENAI001 // the SDK calls its Responses client experimental\n"
        client = (
            f"new ResponsesClient(new ApiKeyCredential({key}),\n"
            f"    new ResponsesClientOptions {{ Endpoint = new Uri({quoting.java(where.base)}) }})"
        )
    headers = "".join(
        f"options.SetHeader({quoting.java(name)}, {quoting.java(value)});\n"
        for name, value in request.headers.items()
    )
    if where.query:
        opening += "// the SDK has no place for: " + quoting.document(dict(where.query)).replace("\n", " ") + "\n"
    printing = (
        'Console.WriteLine(reply.RootElement.GetProperty("choices")[0].GetProperty("message")'
        '.GetProperty("content").GetString());\n'
        if chat
        else 'foreach (var item in reply.RootElement.GetProperty("output").EnumerateArray())\n'
        '    if (item.TryGetProperty("content", out var parts) && parts.ValueKind == JsonValueKind.Array)\n'
        "        foreach (var part in parts.EnumerateArray())\n"
        '            if (part.TryGetProperty("text", out var text)) Console.WriteLine(text.GetString());\n'
    )
    method = "CompleteChatAsync" if chat else "CreateResponseAsync"
    return (
        "".join(f"using {name};\n" for name in using) + f"\n{opening}var client = {client};\n"
        f'var body = """\n{quoting.document(request.body)}\n""";\n'
        f"var options = new RequestOptions();\n{headers}"
        f"var answer = await client.{method}(BinaryContent.Create(BinaryData.FromString(body)), options);\n"
        f"using var reply = JsonDocument.Parse(answer.GetRawResponse().Content);\n{printing}"
    )
