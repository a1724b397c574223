"""What the official client is driven through: the suite `suites/test_sdk.py` has a function for each of these."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

from seatrial.citation import url
from seatrial.model import Case, Citation, Level, Scenario, Status, Verdict

AREA = "what your users' clients would see"
SOURCE = "sdk"
_CLIENT = "openai-python#src/openai/"
EXTRAS = {
    "langchain": ("langchain_openai",),
    "llamaindex": ("llama_index.llms.openai_like", "llama_index.embeddings.openai_like"),
}
"""By the extra that installs them: the modules that the cases `sdk.EXTRA-...` need."""
ROWS: dict[str, tuple[str, str, tuple[str, ...], tuple[str, ...], str]] = {
    "sdk.models": (
        "client.models.list() lists models, and retrieve() finds the first of them",
        "models",
        ("models", "models.retrieve"),
        ("listModels", "retrieveModel"),
        "resources/models.py",
    ),
    "sdk.chat": (
        "client.chat.completions.create() gives a message, a finish_reason and usage that a program can read",
        "chat",
        ("chat",),
        ("createChatCompletion",),
        "resources/chat/completions/completions.py",
    ),
    "sdk.chat-stream": (
        "A loop over the chunks of a stream, and the client's own helper, come to the whole message",
        "chat",
        ("chat", "chat.stream"),
        ("createChatCompletion",),
        "lib/streaming/chat/_completions.py",
    ),
    "sdk.chat-async": (
        "AsyncOpenAI gives the same message plain and streamed",
        "chat",
        ("chat", "chat.stream"),
        ("createChatCompletion",),
        "resources/chat/completions/completions.py",
    ),
    "sdk.tools": (
        "A call of a named function has an id, the name, and arguments that json.loads() reads",
        "chat",
        ("chat", "chat.tools", "chat.tools.named"),
        ("createChatCompletion",),
        "types/chat/chat_completion_message_function_tool_call.py",
    ),
    "sdk.tools-stream": (
        "The client's helper assembles a streamed call of a named function",
        "chat",
        ("chat", "chat.stream", "chat.tools", "chat.tools.named"),
        ("createChatCompletion",),
        "lib/streaming/chat/_completions.py",
    ),
    "sdk.parse": (
        "client.chat.completions.parse() gives an object of the model that was asked for",
        "chat",
        ("chat", "chat.json-schema"),
        ("createChatCompletion",),
        "lib/_parsing/_completions.py",
    ),
    "sdk.errors": (
        "A wrong request raises an error of the client that has a message, a type and its status",
        "chat",
        ("chat",),
        ("createChatCompletion",),
        "_exceptions.py",
    ),
    "sdk.wrong-key": (
        "A wrong key raises AuthenticationError",
        "chat",
        ("chat", "auth"),
        ("createChatCompletion",),
        "_exceptions.py",
    ),
    "sdk.completions": (
        "client.completions.create() gives text, plain and streamed",
        "completions",
        ("completions", "completions.stream"),
        ("createCompletion",),
        "resources/completions.py",
    ),
    "sdk.embeddings": (
        "client.embeddings.create() as it is called by default gives the numbers that encoding_format float gives",
        "embeddings",
        ("embeddings",),
        ("createEmbedding",),
        "resources/embeddings.py",
    ),
    "sdk.stream-usage": (
        "With stream_options.include_usage the last chunk of a stream has usage that a program can read",
        "chat",
        ("chat", "chat.stream", "chat.stream.usage"),
        ("createChatCompletion",),
        "types/chat/chat_completion_chunk.py",
    ),
    "sdk.tool-results": (
        "A message with a call, as the client gives it, is taken back with the result of the call, and answered",
        "chat",
        ("chat", "chat.tools", "chat.tools.named"),
        ("createChatCompletion",),
        "resources/chat/completions/completions.py",
    ),
    "sdk.not-found": (
        "A model that does not exist raises an error of the client that has a message and a type",
        "chat",
        ("chat",),
        ("createChatCompletion",),
        "_exceptions.py",
    ),
    "sdk.responses": (
        "client.responses.create() has an output_text, and the streaming helper's is what its deltas bring",
        "responses",
        ("responses", "responses.stream"),
        ("createResponse",),
        "types/responses/response.py",
    ),
    "sdk.transcription": (
        "client.audio.transcriptions.create() gives a text",
        "audio",
        ("audio.transcription",),
        ("createTranscription",),
        "resources/audio/transcriptions.py",
    ),
    "sdk.files": (
        "A file is uploaded, read back, met once on a walk over client.files.list(), and deleted",
        "files",
        ("files",),
        ("createFile", "downloadFile", "listFiles", "deleteFile"),
        "pagination.py",
    ),
    "sdk.vector-stores": (
        "A file is attached to a vector store, waited for, and found by a search",
        "vector_stores",
        ("vector-stores", "files"),
        ("createVectorStore", "createVectorStoreFile", "getVectorStoreFile", "searchVectorStore", "deleteVectorStore"),
        "resources/vector_stores/files.py",
    ),
    "sdk.fine-tuning": (
        "A walk over client.fine_tuning.jobs.list() meets each job once",
        "fine_tuning",
        ("fine-tuning",),
        ("listPaginatedFineTuningJobs",),
        "pagination.py",
    ),
    "sdk.speech": (
        "client.audio.speech.create() gives sound",
        "speech",
        ("audio.speech",),
        ("createSpeech",),
        "resources/audio/speech.py",
    ),
    "sdk.images": (
        "client.images.generate() gives a picture, as an address or as base64 that can be read",
        "images",
        ("images",),
        ("createImage",),
        "types/image.py",
    ),
    "sdk.moderations": (
        "client.moderations.create() says whether a text is flagged, and for which categories",
        "moderations",
        ("moderations",),
        ("createModeration",),
        "types/moderation.py",
    ),
    "sdk.stored": (
        "A stored completion is read again, changed, listed, read by its messages, and deleted",
        "chat",
        ("chat.stored", "chat", "chat.store", "chat.metadata"),
        (
            "createChatCompletion",
            "getChatCompletion",
            "updateChatCompletion",
            "listChatCompletions",
            "getChatCompletionMessages",
            "deleteChatCompletion",
        ),
        "resources/chat/completions/completions.py",
    ),
    "sdk.responses-kept": (
        "A response is read again with the same output_text, by its input items, and deleted",
        "responses",
        ("responses", "responses.stored", "responses.input-items"),
        ("createResponse", "getResponse", "listInputItems", "deleteResponse"),
        "resources/responses/responses.py",
    ),
    "sdk.conversations": (
        "A conversation takes items, lists them, is changed, and deleted",
        "responses",
        ("conversations",),
        (
            "createConversation",
            "createConversationItems",
            "getConversationItem",
            "listConversationItems",
            "updateConversation",
            "getConversation",
            "deleteConversationItem",
            "deleteConversation",
        ),
        "resources/conversations/conversations.py",
    ),
    "sdk.uploads": (
        "An upload of one part becomes a file",
        "files",
        ("uploads", "files"),
        ("createUpload", "addUploadPart", "completeUpload", "deleteFile"),
        "resources/uploads/uploads.py",
    ),
    "sdk.batches": (
        "A batch of one line is waited for, and its output file read",
        "batches",
        ("batches", "files"),
        ("createFile", "createBatch", "retrieveBatch", "downloadFile", "listBatches"),
        "resources/batches.py",
    ),
    "sdk.langchain-chat": (
        "LangChain's ChatOpenAI gives a message, and usage that adds up",
        "chat",
        ("chat",),
        ("createChatCompletion",),
        "langchain-openai#chat_models/base.py",
    ),
    "sdk.langchain-stream": (
        "LangChain's ChatOpenAI streams a text that ends once",
        "chat",
        ("chat", "chat.stream"),
        ("createChatCompletion",),
        "langchain-openai#chat_models/base.py",
    ),
    "sdk.langchain-tools": (
        "LangChain's ChatOpenAI reads a call of a named function, plain and streamed",
        "chat",
        ("chat", "chat.stream", "chat.tools", "chat.tools.named"),
        ("createChatCompletion",),
        "langchain-openai#chat_models/base.py",
    ),
    "sdk.langchain-embeddings": (
        "LangChain's OpenAIEmbeddings gives a vector for each text, in the order of the texts",
        "embeddings",
        ("embeddings",),
        ("createEmbedding",),
        "langchain-openai#embeddings/base.py",
    ),
    "sdk.llamaindex-chat": (
        "LlamaIndex's OpenAILike gives a message, and usage that adds up",
        "chat",
        ("chat",),
        ("createChatCompletion",),
        "llama-index#llms/llama-index-llms-openai-like/llama_index/llms/openai_like/base.py",
    ),
    "sdk.llamaindex-stream": (
        "LlamaIndex's OpenAILike streams a text that ends once",
        "chat",
        ("chat", "chat.stream"),
        ("createChatCompletion",),
        "llama-index#llms/llama-index-llms-openai-like/llama_index/llms/openai_like/base.py",
    ),
    "sdk.llamaindex-tools": (
        "LlamaIndex's OpenAILike reads a call of a named function, plain and streamed",
        "chat",
        ("chat", "chat.stream", "chat.tools", "chat.tools.named"),
        ("createChatCompletion",),
        "llama-index#llms/llama-index-llms-openai-like/llama_index/llms/openai_like/base.py",
    ),
    "sdk.llamaindex-embeddings": (
        "LlamaIndex's OpenAILikeEmbedding gives a vector for each text, in the order of the texts",
        "embeddings",
        ("embeddings",),
        ("createEmbedding",),
        "llama-index#embeddings/llama-index-embeddings-openai-like/llama_index/embeddings/openai_like/base.py",
    ),
}
"""By id: the requirement, the family whose model is asked, the capabilities, the operations, and the client's file, or
the citation of another's."""


def scenarios() -> Iterator[Scenario]:
    """A scenario without steps for each."""
    for id, (title, family, needs, _, file) in ROWS.items():
        at = file if "#" in file else _CLIENT + file
        cited = (Citation(at, url(at), ""),)
        yield Scenario(id, title, AREA, family, SOURCE, cited, needs, "gate", {}, (), ())


def operations() -> Counter[str]:
    """How many of them call each operation."""
    return Counter(operation for *_, names, _ in ROWS.values() for operation in names)


def verdict(case: Case, status: Status, reason: str = "", **more: object) -> Verdict:
    """The one verdict on such a case."""
    scenario = case.scenario
    return Verdict(
        id=f"{case.id}/client/{scenario.id}",
        check=scenario.id,
        scenario=scenario.id,
        case=case.id,
        area=scenario.area,
        level=Level.MUST,
        status=status,
        requirement=scenario.title,
        spec=scenario.spec[0].at,
        exchange=more.get("exchange"),  # type: ignore[arg-type]
        reason=reason,
        findings=more.get("findings", ()),  # type: ignore[arg-type]
    )
