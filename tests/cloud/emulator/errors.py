"""AWS's refusals, as moto raises them."""

from moto.ec2.exceptions import EC2ClientError


def refused(code: str, message: str) -> EC2ClientError:
    return EC2ClientError(code, message)


def in_use(what: str, one: str) -> EC2ClientError:
    message = f"The {what} '{one}' has dependencies and cannot be deleted."
    return EC2ClientError("DependencyViolation", message)
