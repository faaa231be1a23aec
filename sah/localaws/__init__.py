"""An embedded AWS for the demo and the tests: moto's server plus what moto lacks.

Nothing here imports moto until a server starts, so that the command line stays quick.

What differs from AWS: everything is done at once, so no stack, function or mapping is
ever in progress; IAM and bucket policies are kept but not obeyed; a function's role need
not exist; CloudFormation does not compare a version's ``CodeSha256``; custom resources and
types that nobody models are created without doing anything; code runs in a process with
whatever Python and Node.js this machine has. Function URLs, event invoke configurations
and provisioned concurrency do not know qualifiers, or are missing.
"""

from sah.localaws.server import LocalAws, serve

__all__ = ["LocalAws", "serve"]
