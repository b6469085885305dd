from uuid import RFC_4122, UUID

from odoo.tests.common import BaseCase

from ..runtime.job_uuid import new_uuid


class TestJobUuid(BaseCase):
    def test_it_is_one_of_version_7_with_its_time_in_front(self):
        uuid = UUID(new_uuid(0x0123456789AB))
        self.assertEqual((uuid.version, uuid.variant), (7, RFC_4122))
        self.assertTrue(str(uuid).startswith("01234567-89ab-7"))

    def test_uuids_of_one_millisecond_differ_and_later_ones_come_later(self):
        self.assertEqual(len({new_uuid(1) for _uuid in range(10_000)}), 10_000)
        self.assertLess(new_uuid(1), new_uuid(2))
        self.assertEqual(UUID(new_uuid()).version, 7)
