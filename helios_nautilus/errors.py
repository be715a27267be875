"""Every error Helios raises on purpose, in one tree.

::

    HeliosError                 one clear line for the user, exit code 1
    ├── ConfigError             a TOML file or a setting is wrong (the path of the field is in the text)
    ├── DataError               market data are missing, malformed or inconsistent
    │   ├── ImportFileError     a file cannot be imported; the catalogue was not touched
    │   ├── UnknownInstrumentError   no definition of that instrument
    │   └── NotEnoughHistoryError    the window holds too little data for what was asked
    ├── ModelError              a model folder is missing, corrupt or does not match
    │   └── SpecMismatchError   the model was trained on other features than those served
    ├── JournalError            the journal cannot be reached, does not verify, or does not know what was asked for
    ├── AccessError             the caller may not do that, or not now
    ├── GateError               a provider of the gate gave no answer; entries then go by ``on_failure``
    ├── AlertError              an alert could not be delivered
    └── LookaheadError          a check found that something looks ahead

The text of an error is written for its reader: what is wrong, where, and what to do. The command line
prints it without a traceback.
"""


class HeliosError(Exception):
    """Base of all errors raised by Helios on purpose."""


class ConfigError(HeliosError, ValueError):
    """A configuration file or value is wrong.

    A `ValueError` as well, so that msgspec, decoding a file, says at which field it was raised.
    """


class DataError(HeliosError):
    """Market data are missing, malformed or inconsistent."""


class ImportFileError(DataError):
    """A file cannot be imported; the catalogue was left as it was."""


class UnknownInstrumentError(DataError):
    """No definition of the instrument is known."""


class NotEnoughHistoryError(DataError):
    """The window holds too little data for what was asked."""


class ModelError(HeliosError):
    """A model is missing, corrupt or does not fit."""


class SpecMismatchError(ModelError):
    """The model's feature specification differs from the live one."""


class JournalError(HeliosError):
    """The journal cannot be reached, does not verify, or does not know what was asked for."""


class AccessError(HeliosError):
    """The caller may not do what was asked for, or not so soon again."""


class GateError(HeliosError):
    """A provider of the gate gave no answer."""


class AlertError(HeliosError):
    """An alert could not be delivered; the words never hold the receiver's address."""


class LookaheadError(HeliosError):
    """A value known only later was used to decide."""
