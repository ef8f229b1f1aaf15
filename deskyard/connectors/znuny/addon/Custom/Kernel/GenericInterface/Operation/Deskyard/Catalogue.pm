package Kernel::GenericInterface::Operation::Deskyard::Catalogue;

# Returns what this installation has: queues, agents, who may own tickets where, priorities, states, the values of
# dynamic fields, the id of the calling agent, version and time zone. Nothing is changed.
#
# Parameter: DynamicField (an array of names, optional). Invalid queues, agents, priorities and states are included and
# flagged, because histories of tickets still refer to them.

use strict;
use warnings;

use parent qw(Kernel::GenericInterface::Operation::Deskyard::Common);

our $ObjectManagerDisabled = 1;

my @Permissions = qw(ro move_into note owner priority rw);

sub Answer {
    my ( $Self, %Param ) = @_;

    my $ConfigObject = $Kernel::OM->Get('Kernel::Config');
    my $UserObject   = $Kernel::OM->Get('Kernel::System::User');
    my $Queues       = $Self->_Queues( $Param{UserID} );

    return {
        Product      => $ConfigObject->Get('Product'),
        Version      => $ConfigObject->Get('Version'),
        TimeZone     => $Kernel::OM->Create('Kernel::System::DateTime')->OTRSTimeZoneGet(),
        User         => {
            UserID    => $Param{UserID},
            UserLogin => $UserObject->UserLookup( UserID => $Param{UserID} ),
        },
        Queue        => $Queues,
        Group        => $Self->_Owners($Queues),
        Agent        => $Self->_Agents(),
        Priority     => $Self->_Priorities(),
        State        => $Self->_States(),
        Channel      => $Self->_Channels(),
        DynamicField => $Self->_DynamicFields( $Param{Data}->{DynamicField} ),
    };
}

# Every queue with its group and what the calling agent may do in it.
sub _Queues {
    my ( $Self, $UserID ) = @_;

    my $GroupObject = $Kernel::OM->Get('Kernel::System::Group');
    my $QueueObject = $Kernel::OM->Get('Kernel::System::Queue');
    my %Groups      = map { $_ => { $GroupObject->PermissionUserGet( UserID => $UserID, Type => $_ ) } } @Permissions;
    my %All         = $QueueObject->QueueList( Valid => 0 );
    my %Valid       = $QueueObject->QueueList( Valid => 1 );

    my @Queues;
    for my $QueueID ( sort { $a <=> $b } keys %All ) {
        my $GroupID = $QueueObject->GetQueueGroupID( QueueID => $QueueID );
        push @Queues, {
            QueueID    => $QueueID,
            Name       => $All{$QueueID},
            GroupID    => $GroupID,
            Valid      => $Valid{$QueueID} ? 1 : 0,
            Permission => [ grep { $Groups{$_}->{$GroupID} } @Permissions ],
        };
    }
    return \@Queues;
}

# Group => ids of the valid agents who may own tickets of its queues.
sub _Owners {
    my ( $Self, $Queues ) = @_;

    my $GroupObject = $Kernel::OM->Get('Kernel::System::Group');
    my %Owners;
    for my $GroupID ( map { $_->{GroupID} } @{$Queues} ) {
        next if $Owners{$GroupID};
        my %Users = $GroupObject->PermissionGroupGet( GroupID => $GroupID, Type => 'owner' );
        $Owners{$GroupID} = [ sort { $a <=> $b } keys %Users ];
    }
    return \%Owners;
}

# Every agent; Away where the agent's own preferences say "out of office" for today.
sub _Agents {
    my ($Self) = @_;

    my $UserObject = $Kernel::OM->Get('Kernel::System::User');
    my $Today      = substr $Kernel::OM->Create('Kernel::System::DateTime')->ToString(), 0, 10;
    my %All        = $UserObject->UserList( Type => 'Short', Valid => 0, NoOutOfOffice => 1 );
    my %Valid      = $UserObject->UserList( Type => 'Short', Valid => 1, NoOutOfOffice => 1 );

    my @Agents;
    for my $UserID ( sort { $a <=> $b } keys %All ) {
        my %User = $Valid{$UserID} ? $UserObject->GetUserData( UserID => $UserID, NoOutOfOffice => 1 ) : ();
        push @Agents, {
            UserID       => $UserID,
            UserLogin    => $All{$UserID},
            UserFullname => $User{UserFullname} // $All{$UserID},
            Valid        => $Valid{$UserID} ? 1 : 0,
            Away         => _Away( \%User, $Today ),
        };
    }
    return \@Agents;
}

sub _Away {
    my ( $User, $Today ) = @_;

    return 0 if !$User->{OutOfOffice};
    my ( $First, $Last ) = map {
        my $End = "OutOfOffice$_";
        sprintf '%04d-%02d-%02d', map { $_ || 0 } @{$User}{ "${End}Year", "${End}Month", "${End}Day" };
    } qw(Start End);
    return $First le $Today && $Today le $Last ? 1 : 0;
}

sub _Priorities {
    my ($Self) = @_;

    my $PriorityObject = $Kernel::OM->Get('Kernel::System::Priority');
    my %All            = $PriorityObject->PriorityList( Valid => 0 );
    my %Valid          = $PriorityObject->PriorityList( Valid => 1 );
    return [ map { { PriorityID => $_, Name => $All{$_}, Valid => $Valid{$_} ? 1 : 0 } } sort { $a <=> $b } keys %All ];
}

sub _States {
    my ($Self) = @_;

    my $StateObject = $Kernel::OM->Get('Kernel::System::State');
    my %All         = $StateObject->StateList( UserID => 1, Valid => 0 );
    my @States;
    for my $StateID ( sort { $a <=> $b } keys %All ) {
        my %State = $StateObject->StateGet( ID => $StateID );
        push @States, { StateID => $StateID, Name => $State{Name}, Type => $State{TypeName} };
    }
    return \@States;
}

sub _Channels {
    my ($Self) = @_;

    my @All = $Kernel::OM->Get('Kernel::System::CommunicationChannel')->ChannelList();
    return { map { $_->{ChannelID} => $_->{ChannelName} } @All };
}

# The named fields of tickets that exist and are valid; Value only where there is a list of them.
sub _DynamicFields {
    my ( $Self, $Names ) = @_;

    my $DynamicFieldObject = $Kernel::OM->Get('Kernel::System::DynamicField');
    my $ValidObject        = $Kernel::OM->Get('Kernel::System::Valid');
    my %IsValid            = map { $_ => 1 } $ValidObject->ValidIDsGet();

    my @Fields;
    NAME:
    for my $Name ( ref $Names eq 'ARRAY' ? @{$Names} : () ) {
        next NAME if !defined $Name || !length $Name;
        my $Field = $DynamicFieldObject->DynamicFieldGet( Name => $Name );
        next NAME if ref $Field ne 'HASH' || ( $Field->{ObjectType} // '' ) ne 'Ticket';
        next NAME if !$IsValid{ $Field->{ValidID} // 0 };
        my $Values = $Field->{Config}->{PossibleValues};
        push @Fields, {
            Name => $Field->{Name},
            Type => $Field->{FieldType},
            ref $Values eq 'HASH' ? ( Value => [ sort keys %{$Values} ] ) : (),
        };
    }
    return \@Fields;
}

1;
