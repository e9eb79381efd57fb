"""The base class of all messages, under the name of pynetmito's module."""

from .model import BaseAPIModel

__all__ = ["BaseAPIModel"]
