"""Learnwares that are made to deceive, by name: what `load` or `verify` must refuse, and in which words."""

from __future__ import annotations

import gzip
import hashlib
import io
import json
import pickle
import struct
import tarfile
from collections.abc import Callable

import numpy as np
from msgspec import json as msgspec_json
from msgspec.structs import replace
from safetensors.numpy import save

from starshift.learnware import archive, package, specify
from starshift.recipe import digest
from starshift.records import LEARNWARE_SCHEMA, BaseReference, InputContract, Learnware, Privacy, Target

Contents = dict[str, bytes]

FEATURES = 1280
HEAD = {"head/kernel": np.full((FEATURES, 1), 0.1, np.float32), "head/bias": np.zeros(1, np.float32)}
SPACE = specify.space_of("mobilenet_v2", "ab" * 32, size=224, fit="stretch", features=FEATURES)


def learnware(**changes) -> Learnware:
    """The record of a head on MobileNetV2."""
    whole = Learnware(
        schema=LEARNWARE_SCHEMA,
        name="frozen for cat, dog",
        task="image classification",
        targets=(Target.of_classes(("cat", "dog")),),
        input=InputContract(224, "stretch"),
        builder="frozen",
        arguments={"bases": ("mobilenet_v2",), "strengths": (1e-2,)},
        bases=(BaseReference("mobilenet_v2", "ab" * 32, "mobilenet_v2"),),
        precision="f32",
        evaluations=(),
        trained_on="24 pictures of 2 classes",
        made_by="starshift 0.1.0",
        files={},
        id="",
    )
    return replace(whole, **changes)


def specification(**changes) -> bytes:
    """Of 24 pictures, with a record that says something else."""
    features = np.random.default_rng(0).random((24, FEATURES)).astype(np.float32)
    made = specify.specify(features, ["cat", "dog"] * 12, SPACE, precision="f32")
    return specify.write(specify.Specification(replace(made.record, **changes), made.marginal, made.means))


def good(**changes) -> Contents:
    """The files of a learnware with which nothing is wrong."""
    return dict(package.made(learnware(**changes), HEAD, specification()).contents)


def network(tensors=None, **arguments) -> Contents:
    """The files of a small network from scratch; tensors in place of its own."""
    from starshift.models.declared import declared

    targets, shown = (Target.of_classes(("cat", "dog")),), {"channels": (2,), "dense": 2} | arguments
    own = {"channels": (2,), "dense": 2}
    shapes = declared("convnet", 16, targets, own)
    weights = {name: np.zeros(shape, np.float32) for name, shape in shapes.items()}
    changed = weights if tensors is None else tensors(weights)
    whole = learnware(builder="convnet", arguments=shown, bases=(), input=InputContract(16, "stretch"))
    return forged(dict(package.made(whole, changed).contents))


def forged(contents: Contents, record: Callable[[dict], None] | None = None, raw: bytes | None = None) -> Contents:
    """With digests and id that fit, so that nothing is wrong but what is meant.

    record: changes learnware.json's values. raw: learnware.json's bytes in their place, whatever their digest.
    """
    found = json.loads(contents["learnware.json"])
    if record:
        record(found)
    digests = {
        name: hashlib.sha256(content).hexdigest() for name, content in contents.items() if name in found["files"]
    }
    digests["learnware.json"] = digest({key: value for key, value in found.items() if key not in ("files", "id")})
    found["files"], found["id"] = dict(sorted(digests.items())), digest(digests)
    return {**contents, "learnware.json": raw or msgspec_json.encode(found)}


def text(old: bytes, new: bytes) -> bytes:
    """A good tar whose record has been edited as text, its digests left alone."""
    contents = good()
    assert old in contents["learnware.json"]
    return archive.packed({**contents, "learnware.json": contents["learnware.json"].replace(old, new, 1)})


def changed(**changes) -> bytes:
    """A tar whose record says something else and keeps its digests right."""
    return archive.packed(forged(good(), lambda record: record.update(changes)))


def deep(**places) -> bytes:
    """The same below: deep(input={"size": 0})."""

    def change(record: dict) -> None:
        for place, values in places.items():
            record[place] = {**record[place], **values}

    return archive.packed(forged(good(), change))


def with_model(content: bytes) -> bytes:
    """A tar with other bytes in place of its tensors."""
    return archive.packed(forged({**good(), "model.safetensors": content}))


def with_specification(content: bytes) -> bytes:
    """A tar with another specification."""
    return archive.packed(forged({**good(), "spec.safetensors": content}))


def with_card(text: str) -> bytes:
    """A tar with another model card."""
    return archive.packed(forged({**good(), "README.md": text.encode("utf-8", "surrogatepass")}))


def safetensors(header: object, data: bytes = b"", length: int | None = None) -> bytes:
    """A safetensors file with a header of one's own."""
    text = header if isinstance(header, bytes) else json.dumps(header).encode()
    return struct.pack("<Q", len(text) if length is None else length) + text + data


def entry(shape=(2,), offsets=(0, 8), dtype="F32") -> dict:
    """One tensor in such a header."""
    return {"dtype": dtype, "shape": list(shape), "data_offsets": list(offsets)}


def tar(*members: tuple[tarfile.TarInfo, bytes], format: int = tarfile.USTAR_FORMAT, good_too: bool = True) -> bytes:
    """A tar with these members, in front of those of a good one."""
    stream = io.BytesIO()
    with tarfile.open(fileobj=stream, mode="w", format=format) as made:
        for info, content in members:
            made.addfile(info, io.BytesIO(content) if info.isreg() else None)
        for name, content in good().items() if good_too else ():
            made.addfile(member(name, content)[0], io.BytesIO(content))
    return stream.getvalue()


def member(name: str, content: bytes = b"x", kind: bytes = tarfile.REGTYPE, link: str = "", **headers: str):
    """One of them."""
    info = tarfile.TarInfo(name)
    info.size, info.type, info.linkname, info.pax_headers = len(content), kind, link, headers
    return info, content


def claimed(name: str, size: int) -> bytes:
    """A tar whose header promises more than there is."""
    info = tarfile.TarInfo(name)
    info.size = size
    return info.tobuf(tarfile.GNU_FORMAT) + b"x" * 512


def edited(position: int, value: int) -> bytes:
    """A good tar with one byte of its first header changed."""
    found = bytearray(archive.packed(good()))
    found[position] = value
    return bytes(found)


class _Runs:
    def __reduce__(self):
        return exec, ("open('/tmp/starshift-was-here', 'w')",)


OWN = {"head/kernel": HEAD["head/kernel"], "head/bias": HEAD["head/bias"]}

LOADED: dict[str, tuple[Callable[[], bytes], str]] = {
    # the archive
    "a path that climbs out": (lambda: tar(member("../escaped")), "'../escaped' does not belong to a learnware"),
    "a climb behind a known name": (lambda: tar(member("learnware.json/../../escaped")), "does not belong"),
    "an absolute path": (lambda: tar(member("/tmp/escaped")), "'/tmp/escaped' does not belong to a learnware"),
    "a path of Windows": (lambda: tar(member("C:\\escaped")), "does not belong to a learnware"),
    "a folder before the names": (lambda: tar(member("./learnware.json"), good_too=False), "does not belong"),
    "a symbolic link": (
        lambda: tar(member("README.md", kind=tarfile.SYMTYPE, link="/etc/passwd")),
        "'README.md' is a symbolic link; a learnware has regular files only",
    ),
    "a hard link": (
        lambda: tar(member("README.md", kind=tarfile.LNKTYPE, link="/etc/passwd")),
        "'README.md' is a hard link; a learnware has regular files only",
    ),
    "a device": (lambda: tar(member("README.md", kind=tarfile.CHRTYPE)), "'README.md' is a device"),
    "a pipe": (lambda: tar(member("README.md", kind=tarfile.FIFOTYPE)), "'README.md' is a pipe"),
    "a folder": (lambda: tar(member("README.md", kind=tarfile.DIRTYPE)), "'README.md' is a folder"),
    "a sparse file": (lambda: tar(member("README.md", kind=tarfile.GNUTYPE_SPARSE)), "'README.md' is a sparse file"),
    "a kind of member that nobody knows": (lambda: tar(member("README.md", kind=b"Z")), "member of the kind b'Z'"),
    "a member twice": (lambda: tar(member("README.md")), "README.md is in it twice"),
    "thousands of members": (lambda: tar(*[member(f"{number}") for number in range(5000)]), "does not belong"),
    "a long name of GNU tar": (
        lambda: tar(member("a" * 300), format=tarfile.GNU_FORMAT),
        "an extended header of GNU tar (a long name)",
    ),
    "an extended header of PAX": (
        lambda: tar(member("README.md", path="../escaped"), format=tarfile.PAX_FORMAT),
        "an extended header (PAX)",
    ),
    "a size that PAX overrides": (
        lambda: tar(member("README.md", size="9999999999"), format=tarfile.PAX_FORMAT),
        "an extended header (PAX)",
    ),
    "a name that looks like a known one": (lambda: tar(member("learnware․json")), "does not belong to a learnware"),
    "a name in full width": (lambda: tar(member("ＲＥＡＤＭＥ.md")), "does not belong to a learnware"),
    "a name that reads backwards": (lambda: tar(member("\u202egpj.erawnrael")), "does not belong to a learnware"),
    "a name with a second one behind a zero": (lambda: _behind_zero(), "does not belong to a learnware"),
    "a claimed size of terabytes": (lambda: claimed("model.safetensors", 2**42), "larger than 1,073,741,824 bytes"),
    "a claimed size below zero": (lambda: claimed("model.safetensors", -5), "larger than 1,073,741,824 bytes"),
    "a claimed size of which nothing comes": (
        lambda: claimed("model.safetensors", 2**29),
        "model.safetensors is cut off",
    ),
    "a record that is too large": (lambda: tar(member("learnware.json", b" " * (2**20 + 1))), "larger than 1,048,576"),
    "a tar in gzip": (lambda: gzip.compress(archive.packed(good())), "It is compressed (gzip); a learnware is a plain"),
    "a bomb in gzip": (lambda: gzip.compress(bytes(2**26)), "It is compressed (gzip)"),
    "a zip": (lambda: b"PK\x03\x04" + bytes(600), "It is compressed (zip)"),
    "a header with a wrong checksum": (lambda: edited(0, 0x37), "a header cannot be read"),
    "a tar that was cut off": (lambda: archive.packed(good())[:-1024], "does not end as a tar does"),
    "something behind the end": (lambda: archive.packed(good()) + b"x" * 512, "something that belongs to no file"),
    "a second tar behind the end": (lambda: archive.packed(good()) * 2, "something that belongs to no file"),
    "something in the padding": (lambda: _in_the_padding(), "bytes that belong to no file"),
    "no tar at all": (lambda: b"not a tar" * 100, "It is no tar"),
    "nothing": (lambda: b"", "It is no tar"),
    "a file too few": (
        lambda: archive.packed({name: content for name, content in good().items() if name != "model.safetensors"}),
        "It has no model.safetensors",
    ),
    # the record
    "a key twice": (lambda: text(b'"builder"', b'"builder": "own", "builder"'), "has the key 'builder' twice"),
    "a key twice by an escape": (lambda: text(b'"builder"', b'"b\\u0075ilder": "own", "builder"'), "'builder' twice"),
    "JSON a hundred thousand deep": (
        lambda: archive.packed({**good(), "learnware.json": b"[" * 100_000 + b"]" * 100_000}),
        "brackets more than 24 deep",
    ),
    "learnwares in learnwares in learnwares": (lambda: _russian_doll(), "brackets more than 24 deep"),
    "a string that never ends": (
        lambda: archive.packed({**good(), "learnware.json": b'"' + b'\\"' * 500_000}),
        "learnware.json is no JSON",
    ),
    "NaN in JSON": (lambda: text(b'"temperature": 1.0', b'"temperature": NaN'), "has the number NaN"),
    "Infinity in JSON": (lambda: text(b'"temperature": 1.0', b'"temperature": Infinity'), "has the number Infinity"),
    "a number beyond all": (lambda: text(b'"temperature": 1.0', b'"temperature": 1e999'), "number 1e999, which is too"),
    "an integer of a million digits": (lambda: text(b'"size": 224', b'"size": ' + b"9" * 10**6), "which is too large"),
    "half a character": (lambda: text(b'"image classification"', b'"\\ud800"'), "has half a character"),
    "bytes that are no UTF-8": (lambda: text(b"image classification", b"\xff\xfe"), "learnware.json is no JSON"),
    "a byte-order mark": (
        lambda: archive.packed({**good(), "learnware.json": b"\xef\xbb\xbf" + good()["learnware.json"]}),
        "learnware.json is no JSON",
    ),
    "an unknown key": (lambda: changed(run="import os"), "unknown field `run`"),
    "an unknown key deep inside": (lambda: deep(input={"hook": "os.system"}), "unknown field `hook`"),
    "another form": (lambda: changed(schema=2), "Its form has number 2; this version reads 3"),
    "a text in place of a number": (lambda: deep(input={"size": "224"}), "Expected `int`, got `str`"),
    "an unknown builder": (lambda: changed(builder="os.system"), "Builder 'os.system' is not known"),
    "a builder of the user's own": (
        lambda: changed(builder="own", arguments={"build": "os:system#" + "0" * 16}),
        "own",
    ),
    "a builder of models of texts": (lambda: changed(builder="ngrams", arguments={}), "makes no models that take"),
    "an unknown argument": (lambda: deep(arguments={"hook": 1}), "takes no argument 'hook'"),
    "forty thousand bases": (
        lambda: deep(arguments={"bases": [f"base {number}" for number in range(40_000)]}),
        "Its argument 'bases' has 40,000 values; 512 are the most",
    ),
    "six hundred models inside": (
        lambda: archive.packed(forged(good(), lambda record: record.update(members=[dict(record)] * 600))),
        "Its list of models inside has 600 values; 512 are the most",
    ),
    "an argument of another type": (lambda: deep(arguments={"views": "1"}), "must be an int"),
    "a base in a file of this machine": (
        lambda: deep(arguments={"bases": ["mobilenet_v2@/etc/passwd"]}),
        "Its base is 'mobilenet_v2@/etc/passwd', which is a file of one machine",
    ),
    "a base in another folder": (
        lambda: changed(bases=[{"name": "x", "digest": "ab" * 32, "spec": "../../evil"}]),
        "Its base is '../../evil', which is a file of one machine",
    ),
    "a base in the network": (lambda: deep(arguments={"bases": ["\\\\evil\\share"]}), "is a file of one machine"),
    "a picture of a million pixels a side": (lambda: deep(input={"size": 10**6}), "1 to 4096 are possible"),
    "a temperature of nothing": (lambda: changed(temperature=0.0), "Its temperature is 0.0"),
    "a label that reads backwards": (lambda: _labelled("cat\u202etac"), "contains the character U+202E"),
    "a label with a control": (lambda: _labelled("cat\x1b[2J"), "contains the character U+001B"),
    "a label that is another's twin": (lambda: _labelled("do\u0308g", "d\u00f6g"), "names a class twice"),
    "a licence that is none": (lambda: changed(licence="MIT; rm -rf /"), "is no SPDX expression"),
    "a version that is none": (lambda: changed(version="../1"), "a version is three numbers"),
    "a parent that is none": (lambda: changed(parents=["../../etc"]), "as a parent, which is no id"),
    "a wrong id": (lambda: text(b'"id": "', b'"id": "0'), "Its id is not the digest of its files"),
    "a record that was edited": (lambda: text(b"image classification", b"image falsification"), "its digest differs"),
    "tensors that were edited": (
        lambda: archive.packed({**good(), "model.safetensors": save({**HEAD, "head/bias": np.ones(1, np.float32)})}),
        "'model.safetensors' is not the file that learnware.json describes",
    ),
    "a file that is not listed": (lambda: _unlisted(), "'spec.safetensors' is not the file that learnware.json"),
    "a listed file that is not there": (lambda: _absent(), "'spec.safetensors' is not the file that learnware.json"),
    "a card that reads backwards": (lambda: with_card("# good\n\u202elive"), "README.md contains the character U+202E"),
    "a card with a terminal's commands": (lambda: with_card("# good\x1b]0;x\x07"), "character U+001B"),
    "a card that is no text": (lambda: archive.packed(forged({**good(), "README.md": b"\xff"})), "is no UTF-8 text"),
    # the tensors
    "a pickle by another name": (lambda: with_model(pickle.dumps(_Runs())), "is no safetensors file"),
    "a zip by another name, as PyTorch writes": (
        lambda: with_model(b"PK\x03\x04" + bytes(99)),
        "is no safetensors file",
    ),
    "HDF5 by another name": (lambda: with_model(b"\x89HDF\r\n\x1a\n" + bytes(99)), "is no safetensors file"),
    "a header that is longer than the file": (lambda: with_model(safetensors({}, length=2**40)), "not its own"),
    "a header of a length that overflows": (lambda: with_model(safetensors({}, length=2**64 - 1)), "not its own"),
    "a header with a tensor twice": (
        lambda: with_model(safetensors(b'{"a":{"dtype":"F32","shape":[2],"data_offsets":[0,8]},"a":1}', bytes(8))),
        "has the key 'a' twice",
    ),
    "a header that is deep": (lambda: with_model(safetensors(b'{"a":' + b"[" * 10**5 + b"]" * 10**5 + b"}")), "deep"),
    "a header that is a list": (lambda: with_model(safetensors(b"[]")), "not its own"),
    "a tensor with an unknown key": (
        lambda: with_model(safetensors({"a": {**entry(), "x": 1}}, bytes(8))),
        "not told by",
    ),
    "tensors that overlap": (
        lambda: with_model(safetensors({"a": entry(), "b": entry(offsets=(4, 12))}, bytes(12))),
        "'b' begins at byte 4, not at 8",
    ),
    "tensors with a gap": (
        lambda: with_model(safetensors({"a": entry(), "b": entry(offsets=(12, 20))}, bytes(20))),
        "'b' begins at byte 12, not at 8",
    ),
    "a tensor beyond the end": (lambda: with_model(safetensors({"a": entry()}, bytes(4))), "the file has 4"),
    "something behind the tensors": (
        lambda: with_model(safetensors({"a": entry()}, bytes(16))),
        "behind its last tensor",
    ),
    "a shape that overflows": (
        lambda: with_model(safetensors({"a": entry((2**32, 2**32), (0, 0))})),
        "which is not what its shape needs",
    ),
    "a shape below zero": (lambda: with_model(safetensors({"a": entry((-2,), (0, 8))}, bytes(8))), "no possible shape"),
    "a shape that is no number": (
        lambda: with_model(safetensors({"a": entry((True,), (0, 4))}, bytes(4))),
        "no possible",
    ),
    "offsets that run backwards": (
        lambda: with_model(safetensors({"a": entry((2,), (8, 0))}, bytes(8))),
        "bytes, which",
    ),
    "a shape of a thousand dimensions": (
        lambda: with_model(safetensors({"a": entry((1,) * 999, (0, 4))}, bytes(4))),
        "no",
    ),
    "an unknown dtype": (
        lambda: with_model(safetensors({"a": entry(dtype="object")}, bytes(8))),
        "has the dtype 'object'",
    ),
    "metadata that are no texts": (
        lambda: with_model(safetensors({"__metadata__": {"a": [1]}})),
        "metadata that are no",
    ),
    "a tensor's name with a control": (lambda: with_model(safetensors({"a\x00": entry()}, bytes(8))), "which is none"),
    "NaN in a tensor": (lambda: with_model(save({**HEAD, "head/bias": np.array([np.nan], np.float32)})), "not finite"),
    "infinity in a tensor": (
        lambda: with_model(save({**HEAD, "head/bias": np.array([np.inf], np.float32)})),
        "not fin",
    ),
    "swapped tensors": (
        lambda: with_model(save({"head/kernel": HEAD["head/bias"], "head/bias": HEAD["head/kernel"]})),
        "are needed",
    ),
    "a missing tensor": (lambda: with_model(save({"head/kernel": HEAD["head/kernel"]})), "are needed"),
    "a tensor too many": (lambda: with_model(save({**HEAD, "extra": np.zeros(3, np.float32)})), "are needed"),
    "a tensor of another shape": (
        lambda: with_model(save({**HEAD, "head/bias": np.zeros(2, np.float32)})),
        "are needed",
    ),
    "a tensor of another dtype": (
        lambda: with_model(save({**HEAD, "head/bias": np.zeros(1, np.float64)})),
        "Its tensor 'head/bias' is float64, not float32",
    ),
    "no tensors": (lambda: with_model(safetensors({})), "It has no tensors"),
    # the specification
    "a specification of other classes": (lambda: _specified(["cat", "evil"]), "is of the class 'evil'"),
    "a specification without its record": (lambda: with_specification(save(HEAD)), "'specification' is what"),
    "a specification with other vectors": (
        lambda: with_specification(_respecified(lambda a: {**a, "means": a["means"][:1]})),
        "in float16 are needed",
    ),
    "a specification of impossible length": (
        lambda: with_specification(_respecified(lambda a: {key: 100 * value for key, value in a.items()})),
        "a mean is longer than 1",
    ),
    "a specification whose parts do not add up": (
        lambda: with_specification(_respecified(lambda a: {**a, "marginal": -a["marginal"]})),
        "its marginal is not the mean of its cells",
    ),
    "a specification in pictures of a terabyte": (
        lambda: with_specification(specification(space=replace(SPACE, size=10**6))),
        "its space is of pictures that are 1,000,000 px on each side",
    ),
    "a specification of a base that nobody has": (
        lambda: with_specification(specification(space=replace(SPACE, base="../evil"))),
        "its space is of '../evil' with 1,280 features, which the catalogue lacks",
    ),
    "a specification that is said to be private and is not": (
        lambda: with_specification(specification(privacy=Privacy(1.0, 1e-5, 0.1))),
        "exact means of classes stand beside a marginal that is said to be private",
    ),
    "a specification that counts what it did not see": (
        lambda: with_specification(specification(count=10**6)),
        "its cells do not have as many pictures as it says",
    ),
    "a specification of a space as large as memory": (
        lambda: with_specification(specification(space=replace(SPACE, frequencies=2**40))),
        "frequencies; 4,096 are the most",
    ),
}
"""What `load` refuses: how it is made, and words of the reason."""

VERIFIED: dict[str, tuple[Callable[[], bytes], str]] = {
    "a dense layer of a billion units": (lambda: archive.packed(network(dense=10**9)), "65,536 is the most of any"),
    "filters as large as memory": (
        lambda: archive.packed(network(channels=(60000,), dense=60000)),
        "weights, above the",
    ),
    "a kernel larger than the picture": (lambda: archive.packed(network(kernel=1000)), "makes no network"),
    "five hundred layers": (
        lambda: archive.packed(network(channels=(1,) * 512)),
        "513 layers; 512 are the most",
    ),
    "a network with swapped tensors": (
        lambda: archive.packed(network(lambda own: {**own, "head/bias": own["conv1/bias"]})),
        "'head/bias' is float32 (2,) instead of float32 (1,)",
    ),
    "a network that lacks a tensor": (
        lambda: archive.packed(network(lambda own: {key: own[key] for key in own if key != "dense/bias"})),
        "it lacks 'dense/bias'",
    ),
    "a network with a tensor too many": (
        lambda: archive.packed(network(lambda own: {**own, "backdoor/kernel": own["dense/bias"]})),
        "it has 'backdoor/kernel', which is not its network's",
    ),
}
"""What `verify` refuses, before a byte is allocated for the network."""


def _behind_zero() -> bytes:
    header = bytearray(archive.packed(good())[:512])
    header[10:20] = b"../escaped"
    header[148:156] = b"%06o\0 " % (sum(header[:148]) + 8 * 32 + sum(header[156:]))
    return bytes(header) + archive.packed(good())[512:]


def _in_the_padding() -> bytes:
    contents = good()
    found = bytearray(archive.packed(contents))
    found[512 + len(contents["README.md"])] = 1
    return bytes(found)


def _russian_doll() -> bytes:
    inner = json.loads(good()["learnware.json"])
    for _ in range(30):
        inner = {**inner, "members": [inner]}
    return archive.packed(forged(good(), lambda record: record.update(members=[inner])))


def _labelled(*names: str) -> bytes:
    def change(record: dict) -> None:
        record["targets"][0]["classes"] = ["dog", *names][-2:]

    contents = good()
    del contents["spec.safetensors"]
    record = json.loads(contents["learnware.json"])
    del record["files"]["spec.safetensors"]
    return archive.packed(forged({**contents, "learnware.json": json.dumps(record).encode()}, change))


def _unlisted() -> bytes:
    contents = good()
    bare = dict(package.made(learnware(), HEAD).contents)
    return archive.packed({**bare, "spec.safetensors": contents["spec.safetensors"]})


def _absent() -> bytes:
    contents = good()
    del contents["spec.safetensors"]
    return archive.packed(contents)


def _respecified(change: Callable[[dict], dict]) -> bytes:
    made = specify.read(specification())
    arrays = change({"marginal": made.marginal, "means": made.means})
    return save(arrays, metadata={specify.METADATA: msgspec_json.encode(made.record).decode()})


def _specified(names: list[str]) -> bytes:
    features = np.random.default_rng(0).random((24, FEATURES)).astype(np.float32)
    return with_specification(specify.write(specify.specify(features, names * 12, SPACE, precision="f32")))
