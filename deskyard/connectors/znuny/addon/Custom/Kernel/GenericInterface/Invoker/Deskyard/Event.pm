package Kernel::GenericInterface::Invoker::Deskyard::Event;

# Notifies deskyard that a ticket changed: its number, when and by whom, and its current state by numbers. Unlike Znuny's
# own invoker for tickets it sends no texts, names or addresses, and ignores the response.

use strict;
use warnings;

our $ObjectManagerDisabled = 1;

my @Sent = qw(TicketID TicketNumber Created CreateBy Changed ChangeBy QueueID OwnerID PriorityID StateID);

sub new {
    my ( $Type, %Param ) = @_;

    return { Success => 0, ErrorMessage => 'Got no DebuggerObject!' } if !$Param{DebuggerObject};
    return bless { DebuggerObject => $Param{DebuggerObject} }, $Type;
}

sub PrepareRequest {
    my ( $Self, %Param ) = @_;

    my $TicketID = $Param{Data}->{TicketID};
    my %Ticket;
    if ($TicketID) {
        %Ticket = $Kernel::OM->Get('Kernel::System::Ticket')->TicketGet(
            TicketID      => $TicketID,
            DynamicFields => 0,
            UserID        => 1,
            Silent        => 1,
        );
    }

    # Deleted meanwhile: there is nothing to tell.
    return { Success => 1, StopCommunication => 1 } if !%Ticket;

    return {
        Success => 1,
        Data    => {
            Event  => { Event => $Param{Data}->{Event}, TicketID => $TicketID },
            Ticket => { map { $_ => $Ticket{$_} } @Sent },
        },
    };
}

sub HandleResponse {
    my ( $Self, %Param ) = @_;

    if ( !$Param{ResponseSuccess} ) {
        return {
            Success      => 0,
            ErrorMessage => $Param{ResponseErrorMessage} || 'deskyard did not answer!',
        };
    }
    return { Success => 1, Data => {} };
}

1;
