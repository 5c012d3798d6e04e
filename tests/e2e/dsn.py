"""A strict reader of delivery status notifications (RFC 3464, 6522, 6533): what it does not know is
an error, because our own notifications may not have it."""
import email
import email.utils
import re

PER_MESSAGE = {'original-envelope-id', 'reporting-mta', 'arrival-date', 'x-nuncio-message'}
PER_RECIPIENT = {'original-recipient', 'final-recipient', 'action', 'status', 'remote-mta',
                 'diagnostic-code', 'last-attempt-date', 'will-retry-until'}
ACTIONS = {'failed', 'delayed', 'delivered', 'relayed', 'expanded'}
STATUS_TYPES = {'message/delivery-status', 'message/global-delivery-status'}
RETURNED_TYPES = {'message/rfc822', 'text/rfc822-headers', 'message/global',
                  'message/global-headers'}


def fields(block, known):
    """Of one group of fields; each at most once."""
    found = {}
    for line in re.sub(r'\r\n[ \t]+', ' ', block).split('\r\n'):
        name, colon, value = line.partition(':')
        assert colon and re.fullmatch(r'[A-Za-z0-9-]+', name), f'no field: {line!r}'
        assert name.lower() in known, f'unknown field: {line!r}'
        assert name.lower() not in found, f'twice: {line!r}'
        found[name.lower()] = value.strip()
    return found


def typed(value):
    """"type; value" of RFC 3464 section 2.1.2."""
    kind, semicolon, rest = value.partition(';')
    assert semicolon and re.fullmatch(r'[A-Za-z0-9-]+', kind.strip()), value
    assert rest.strip(), f'empty: {value}'
    return kind.strip().lower(), rest.strip()


def check_recipient(found, wide):
    assert found['action'] in ACTIONS
    assert re.fullmatch(r'[245]\.\d{1,3}\.\d{1,3}', found['status'])
    assert {'failed': '45', 'delayed': '4'}.get(found['action'], '2').find(found['status'][0]) >= 0
    kind, address = typed(found['final-recipient'])
    assert kind == ('rfc822' if address.isascii() else 'utf-8')
    assert wide or address.isascii()
    if 'remote-mta' in found:
        kind, name = typed(found['remote-mta'])
        assert kind == 'dns' and re.fullmatch(r'\[[0-9a-fA-F.:]+\]|[A-Za-z0-9.-]+', name), name
    if 'diagnostic-code' in found:
        kind, code = typed(found['diagnostic-code'])
        assert kind in ('smtp', 'x-nuncio')
        assert kind != 'smtp' or re.match(r'\d{3}[ -]', code)
    for name in ('last-attempt-date', 'will-retry-until'):
        assert name not in found or email.utils.parsedate_to_datetime(found[name])
    assert 'will-retry-until' not in found or found['action'] == 'delayed'


class Dsn:
    """.top (the header), .message (fields), .recipients (a list of fields), .returned (bytes),
    .returned_type, .status_type"""

    def __init__(self, raw):
        assert b'\n' not in raw.replace(b'\r\n', b''), 'a bare LF'
        assert max(map(len, raw.split(b'\r\n'))) <= 998
        self.top = email.message_from_bytes(raw)
        assert self.top.get_content_type() == 'multipart/report'
        assert self.top.get_param('report-type') == 'delivery-status'
        assert self.top['Auto-Submitted'] == 'auto-replied' and self.top['MIME-Version'] == '1.0'
        for name in ('From', 'To', 'Subject', 'Date', 'Message-ID', 'MIME-Version'):
            assert len(self.top.get_all(name)) == 1, name
        assert not self.top.defects, self.top.defects
        boundary = self.top.get_boundary().encode()
        parts = raw.split(b'\r\n--' + boundary)
        assert len(parts) == 5 and parts[4].strip() == b'--', 'three parts and the end'
        (self.text_type, self.text), (self.status_type, status), (self.returned_type, self.returned) \
            = map(self.part, parts[1:4])
        assert self.text_type == 'text/plain' and self.status_type in STATUS_TYPES
        assert self.returned_type in RETURNED_TYPES
        wide = self.status_type == 'message/global-delivery-status'
        assert wide or status.isascii(), 'message/delivery-status is ASCII'
        blocks = status.decode('utf-8').strip('\r\n').split('\r\n\r\n')
        self.message = fields(blocks[0], PER_MESSAGE)
        assert typed(self.message['reporting-mta'])[0] == 'dns'
        self.recipients = [fields(block, PER_RECIPIENT) for block in blocks[1:]]
        assert self.recipients, 'one recipient at least'
        for found in self.recipients:
            check_recipient(found, wide)

    @staticmethod
    def part(raw):
        head, _, content = raw.partition(b'\r\n\r\n')
        found = fields(head.decode('ascii').strip('\r\n'),
                       {'content-type', 'content-transfer-encoding'})
        kind = found['content-type'].split(';')[0].lower()
        assert found['content-transfer-encoding'] == ('7bit' if content.isascii() else '8bit')
        return kind, content

    def of(self, address):
        """The one recipient with this Final-Recipient."""
        [found] = [r for r in self.recipients if typed(r['final-recipient'])[1] == address]
        return found

    def actions(self):
        return {typed(r['final-recipient'])[1]: r['action'] for r in self.recipients}
