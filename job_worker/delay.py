"""The API that addon authors use to put a method call into the queue."""

from .options import check_options


class DelayableRecordset:
    """Records whose methods, when called, become jobs.

    :param records: the recordset of the call
    :param dict options: options of the job, see :meth:`queue.job.enqueue`
    :raise JobOptionError: an option is unknown, of a wrong type or out of range
    """

    __slots__ = ("_options", "_records")

    def __init__(self, records, options):
        check_options(options)
        self._records = records
        self._options = options

    def __getattr__(self, method_name):
        def enqueue(*args, **kwargs):
            return self._records.env["queue.job"]._enqueue_call(
                self._records, method_name, args, kwargs, self._options
            )

        return enqueue

    def __repr__(self):
        return f"DelayableRecordset({self._records!r})"
