package Kernel::GenericInterface::Operation::Deskyard::Common;

# The base class of deskyard's operations: they are for agents only, and report errors as Znuny's own operations do. A
# subclass is called with the agent's UserID and the request, and returns the response or dies with a sentence.

use strict;
use warnings;

use parent qw(Kernel::GenericInterface::Operation::Common);

our $ObjectManagerDisabled = 1;

sub new {
    my ( $Type, %Param ) = @_;

    for my $Needed (qw(DebuggerObject WebserviceID)) {
        return { Success => 0, ErrorMessage => "Got no $Needed!" } if !$Param{$Needed};
    }
    return bless { DebuggerObject => $Param{DebuggerObject}, WebserviceID => $Param{WebserviceID} }, $Type;
}

sub Run {
    my ( $Self, %Param ) = @_;

    my $Name = ref $Self;
    $Name =~ s{.*::}{}xms;

    my ( $UserID, $UserType ) = $Self->Auth(%Param);
    if ( !$UserID || $UserType ne 'User' ) {
        return $Self->ReturnError(
            ErrorCode    => "$Name.AuthFail",
            ErrorMessage => "$Name: Authorization failing!",
        );
    }

    my $Answer = eval { $Self->Answer( UserID => $UserID, Data => $Param{Data} ) };
    if ( !$Answer ) {
        my $Reason = $@ || 'no answer';
        chomp $Reason;
        return $Self->ReturnError(
            ErrorCode    => "$Name.InvalidParameter",
            ErrorMessage => "$Name: $Reason",
        );
    }
    return { Success => 1, Data => $Answer };
}

1;
