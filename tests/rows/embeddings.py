"""Embeddings, and the models that are listed, with their `meta_data`."""

from __future__ import annotations

from tests.exchanges import (
    DESCRIBED,
    SIZES,
    WORDS,
    counted,
    embedding,
    image,
    models,
    packed,
)
from tests.rows import FAIL, OPEN, OUT, PASS, Rows

ROWS: Rows = {
    "models.ids-unique": [
        (FAIL, models({}, {})),
        (PASS, models({}, {"id": "a/b:c"})),
        (OPEN, models()),
    ],
    "models.meta-data": [
        (FAIL, models({"meta_data": {"hidden_size": 0}})),
        (FAIL, models({"meta_data": {**SIZES, "hidden_size": "0"}})),
        (FAIL, models({"meta_data": {**SIZES, "display_name": "M"}})),
        (FAIL, models({"meta_data": {**DESCRIBED, "input_modalities": "text"}})),
        (PASS, models({"meta_data": SIZES}, {})),
        (PASS, models({"meta_data": DESCRIBED})),
        (PASS, models({"meta_data": {**DESCRIBED, "x_more": 1, "output_modalities": None}})),
        (OPEN, models({"meta_data": None})),
        (OUT, models({})),
    ],
    "models.hidden-size": [
        (FAIL, [models({"id": "e", "meta_data": {**SIZES, "hidden_size": 3}}), embedding([1.0, 0.0], number=2)]),
        (PASS, [models({"id": "e", "meta_data": {**SIZES, "hidden_size": 2}}), embedding([1.0, 0.0], number=2)]),
        (OPEN, [models({"id": "e", "meta_data": SIZES}), embedding([1.0, 0.0], number=2)]),
        (
            OPEN,
            [models({"id": "e", "meta_data": {**SIZES, "hidden_size": 3}}), embedding([1.0], dimensions=1, number=2)],
        ),
        (OUT, [models({}), embedding([1.0, 0.0], number=2)]),
    ],
    "models.modalities": [
        (
            FAIL,
            [models({"id": "m", "meta_data": {**SIZES, "input_modalities": ["text"]}}), counted(image(), 90, number=2)],
        ),
        (
            FAIL,
            [
                models({"id": "m", "meta_data": {**SIZES, "input_modalities": ["text", "image"]}}),
                counted(image(), 90, status=400, number=2),
            ],
        ),
        (
            PASS,
            [
                models({"id": "m", "meta_data": {**SIZES, "input_modalities": ["text", "image"]}}),
                counted(image(), 90, number=2),
            ],
        ),
        (OPEN, [models({"id": "m", "meta_data": {**SIZES, "input_modalities": None}}), counted(image(), 90, number=2)]),
        (OUT, [models({"id": "m", "meta_data": SIZES}), counted(WORDS, 5, number=2)]),
    ],
    "embeddings.unit-norm": [
        (FAIL, embedding([3.0, 4.0])),
        (PASS, embedding([0.6, 0.8])),
    ],
    "embeddings.batch-permuted": [
        (
            FAIL,
            [
                embedding([1.0, 0.0], [0.0, 1.0], input=["a", "b"]),
                embedding([1.0, 0.0], [0.0, 1.0], input=["b", "a"], number=2),
            ],
        ),
        (
            PASS,
            [
                embedding([1.0, 0.0], [0.0, 1.0], input=["a", "b"]),
                embedding([0.0, 1.0], [1.0, 0.0], input=["b", "a"], number=2),
            ],
        ),
    ],
    "embeddings.encoding": [
        (FAIL, embedding([0.1, 0.2], encoding_format="base64")),
        (FAIL, embedding(packed([0.1, 0.2]))),
        (FAIL, embedding("AAA=", encoding_format="base64")),
        (PASS, embedding(packed([0.1, 0.2]), encoding_format="base64")),
        (PASS, embedding([0, 1], encoding_format=None)),
        (OPEN, embedding()),
    ],
    "embeddings.base64-equals-float": [
        (FAIL, [embedding([1.0, 2.0]), embedding(packed([1.0, 2.0], ">"), encoding_format="base64", number=2)]),
        (FAIL, [embedding([1.0, 2.0]), embedding(packed([1.0]), encoding_format="base64", number=2)]),
        (PASS, [embedding([0.1, 0.2]), embedding(packed([0.1, 0.2]), encoding_format="base64", number=2)]),
        (OPEN, [embedding([1.0, 0.0]), embedding(packed([1.0, 0.05]), encoding_format="base64", number=2)]),
        (OPEN, [embedding([1.0, 2.0]), embedding([1.0, 2.0], encoding_format="base64", number=2)]),
        (
            OPEN,
            [
                embedding([1.0, 0.0]),
                embedding([0.0, 1.0], number=2),
                embedding(packed([-1.0, 0.0]), encoding_format="base64", number=3),
            ],
        ),
    ],
    "embeddings.count-and-order": [
        (FAIL, embedding([1.0], input=["a", "b"])),
        (FAIL, embedding([1.0], [2.0], indices=[0, 0], input=["a", "b"])),
        (FAIL, embedding([1.0], [2.0], indices=[1, 0], input=["a", "b"])),
        (PASS, embedding([1.0], input=[1, 2, 3])),
        (PASS, embedding([1.0], [2.0], input=[[1], [2]])),
        (OPEN, embedding([1.0], input=[])),
    ],
    "embeddings.dimensions": [
        (FAIL, embedding([1.0, 2.0], dimensions=3)),
        (PASS, embedding(packed([1.0, 2.0]), dimensions=2, encoding_format="base64")),
        (OPEN, embedding("?", dimensions=2)),
        (OUT, embedding([1.0])),
    ],
    "embeddings.finite": [
        (FAIL, embedding(packed([1.0, float("nan")]), encoding_format="base64")),
        (PASS, embedding([0, -1.5])),
        (OPEN, embedding([])),
    ],
    "embeddings.batch-equals-singles": [
        (FAIL, [embedding([1.0, 0.0], [0.0, 1.0], input=["a", "b"]), embedding([0.0, 1.0], number=2)]),
        (PASS, [embedding([1.0, 0.0], [0.0, 1.0], input=["a", "b"]), embedding([1.0, 1e-3], input=["a"], number=2)]),
        (
            OPEN,
            [
                embedding([1.0, 0.0], [0.0, 1.0], input=["a", "b"]),
                embedding([1.0, 0.0], number=2),
                embedding([0.0, 1.0], number=3),
            ],
        ),
    ],
    "embeddings.semantic": [
        (FAIL, [embedding([1.0, 0.0], [0.0, 1.0], [1.0, 0.1], input=["a", "b", "c"], step="semantic")]),
        (PASS, [embedding([1.0, 0.0], [1.0, 0.1], [0.0, 1.0], input=["a", "b", "c"], step="semantic")]),
        (OPEN, [embedding([0.0], [0.0], [0.0], input=["a", "b", "c"], step="semantic")]),
        (OUT, [embedding([1.0, 0.0], [0.0, 1.0], [1.0, 0.1], input=["a", "b", "c"], step="batch")]),
    ],
}
