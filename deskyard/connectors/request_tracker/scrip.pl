# Notifies deskyard that a ticket changed. Admin > Scrips > Create: condition "On Transaction", action "User Defined",
# template "Blank", stage "Batch". Write 1; into "Custom action preparation code", paste this into "Custom action commit
# code", fill in the two lines below, and apply the scrip to the queues that deskyard routes (or to all). It takes
# at most two seconds, and its failures change nothing.
my $address = 'https://deskyard.example.org/v1/hooks/rt';
my $secret  = 'the secret of the webhook';

require LWP::UserAgent;
require JSON;
my $event = JSON->new->canonical->utf8->encode(
    {   ticket      => $self->TicketObj->id,
        transaction => $self->TransactionObj->id,
        type        => $self->TransactionObj->Type,
        by          => $self->TransactionObj->CreatorObj->Name,
    }
);
my $answer = LWP::UserAgent->new( timeout => 2 )->post(
    $address,
    'Content-Type'      => 'application/json',
    'X-Deskyard-Secret' => $secret,
    Content             => $event,
);
RT->Logger->warning( 'deskyard was not notified: ' . $answer->status_line ) unless $answer->is_success;
return 1;
