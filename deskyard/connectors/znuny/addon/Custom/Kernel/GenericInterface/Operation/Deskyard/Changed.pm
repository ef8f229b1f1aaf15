package Kernel::GenericInterface::Operation::Deskyard::Changed;

# Lists the tickets that changed at or after a time, ordered by (time, number), with their times. Znuny's own TicketSearch
# returns numbers alone, and a ticket that changes while their times are read would hide others. Archived tickets are
# included.
#
# Parameters: Since (seconds since 1970), After (tickets of that very second up to this number are left out) and Limit.
# Only tickets in queues that the calling agent may read are listed. Nothing is changed.

use strict;
use warnings;

use parent qw(Kernel::GenericInterface::Operation::Deskyard::Common);

our $ObjectManagerDisabled = 1;

sub Answer {
    my ( $Self, %Param ) = @_;

    my %Request = ( After => 0, Limit => 100, %{ $Param{Data} } );
    for my $Name (qw(Since After Limit)) {
        die "$Name must be a whole number!\n" if ( $Request{$Name} // '' ) !~ m{\A[0-9]{1,18}\z}xms;
    }
    my $Limit = $Request{Limit} < 1 ? 1 : $Request{Limit} > 1000 ? 1000 : $Request{Limit};

    my %Groups = $Kernel::OM->Get('Kernel::System::Group')->PermissionUserGet(
        UserID => $Param{UserID},
        Type   => 'ro',
    );
    return { Ticket => [] } if !%Groups;
    my $Groups = join ', ', map {int} sort { $a <=> $b } keys %Groups;

    my $Since = $Kernel::OM->Create(
        'Kernel::System::DateTime',
        ObjectParams => { Epoch => $Request{Since} },
    )->ToString();

    my $DBObject = $Kernel::OM->Get('Kernel::System::DB');
    $DBObject->Prepare(
        SQL => 'SELECT t.id, t.change_time FROM ticket t INNER JOIN queue q ON q.id = t.queue_id'
            . " WHERE q.group_id IN ($Groups)"
            . ' AND (t.change_time > ? OR (t.change_time = ? AND t.id > ?))'
            . ' ORDER BY t.change_time ASC, t.id ASC',
        Bind  => [ \$Since, \$Since, \$Request{After} ],
        Limit => $Limit,
    ) || die "the database does not answer!\n";

    my @Tickets;
    while ( my @Row = $DBObject->FetchrowArray() ) {
        push @Tickets, { TicketID => $Row[0], Changed => $Row[1] };
    }
    return { Ticket => \@Tickets };
}

1;
