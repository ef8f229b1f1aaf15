# What rt-setup-database puts into an empty Request Tracker: three queues, our own account with the rights that docs/connectors/request-tracker.md
# asks for and no more, three agents, a requester, and the two custom fields.
use strict;
use warnings;
our ( @Queues, @Users, @Groups, @CustomFields, @ACL );

my @queues = qw(Network Billing Hardware);

@Queues = map { { Name => $_, CorrespondAddress => '', CommentAddress => '' } } @queues;
@Users = (
    (   map {
            {   Name         => $_,
                RealName     => ucfirst $_,
                EmailAddress => "$_\@example.test",
                Password     => "${_}pass1",
                Privileged   => 1,
                $_ eq 'router' ? ( Timezone => 'UTC' ) : (),
            }
        } qw(router alice bob carl)
    ),
    { Name => 'req', RealName => 'Req Uester', EmailAddress => 'req@example.test', Password => 'reqpass12', Privileged => 0 },
);
@Groups = ( { Name => 'Agents', Description => 'Who works on tickets', Members => { Users => [qw(alice bob)] } } );
@CustomFields = (
    {   Name       => 'Category',
        Type       => 'SelectSingle',
        LookupType => 'RT::Queue-RT::Ticket',
        MaxValues  => 1,
        ApplyTo    => [ 'General', 'Network', 'Billing' ],
        Values     => [ map { { Name => $_ } } qw(vpn invoice), 'Сеть и связь' ],
    },
    {   Name       => 'Tags',
        Type       => 'FreeformMultiple',
        LookupType => 'RT::Queue-RT::Ticket',
        MaxValues  => 0,
        ApplyTo    => 0,
    },
);
my @ours = qw(SeeQueue ShowTicket ShowTicketComments CreateTicket ModifyTicket ReassignTicket CommentOnTicket
    SeeCustomField ModifyCustomField);
my @theirs = qw(SeeQueue ShowTicket ShowTicketComments CreateTicket ModifyTicket OwnTicket TakeTicket ReplyToTicket
    CommentOnTicket SeeCustomField ModifyCustomField);
@ACL = (
    ( map { { UserId => 'router', Right => $_ } } @ours ),
    ( map { { GroupDomain => 'UserDefined', GroupId => 'Agents', Right => $_ } } @theirs ),
    ( map { { GroupDomain => 'SystemInternal', GroupType => 'Everyone', Right => $_ } } qw(CreateTicket ReplyToTicket) ),
    { UserId => 'carl', Queue => 'Billing', Right => 'OwnTicket' },
);
1;
