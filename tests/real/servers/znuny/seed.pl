# Queues, agents, a requester and dynamic fields in a fresh Znuny. Usage: seed.pl HOME
use strict;
use warnings;
use utf8;

my $Home = shift or die "usage: seed.pl HOME\n";
unshift @INC, $Home, "$Home/Kernel/cpan-lib", "$Home/Custom";
require Kernel::System::ObjectManager;
$Kernel::OM = Kernel::System::ObjectManager->new( 'Kernel::System::Log' => { LogPrefix => 'seed' } );

sub object { return $Kernel::OM->Get("Kernel::System::$_[0]") }

for my $Name ( qw(Network Billing Hardware), 'Сеть::Филиалы' ) {
    my ($Parent) = $Name =~ m{\A(.+)::}xms;
    my %Common = (
        ValidID => 1, GroupID => 1, SystemAddressID => 1, SalutationID => 1, SignatureID => 1, FollowUpID => 1,
        FollowUpLock => 0, UserID => 1,
    );
    object('Queue')->QueueAdd( %Common, Name => $Parent ) or die $Parent if $Parent;
    object('Queue')->QueueAdd( %Common, Name => $Name )   or die $Name;
}
my $Closed = object('Group')->GroupAdd( Name => 'board', ValidID => 1, UserID => 1 ) or die 'group';
object('Queue')->QueueAdd(
    Name => 'Board', ValidID => 1, GroupID => $Closed, SystemAddressID => 1, SalutationID => 1, SignatureID => 1,
    FollowUpID => 1, FollowUpLock => 0, UserID => 1,
) or die 'queue';

for my $User ( [ 'router', 'Desk', 'Yard' ], [ 'alice', 'Alice', 'Adams' ], [ 'bob', 'Bob', 'Brown' ],
    [ 'carl', 'Карл', 'Клюев' ], [ 'dora', 'Dora', 'Dahl' ] )
{
    my ( $Login, $First, $Last ) = @{$User};
    my $UserID = object('User')->UserAdd(
        UserLogin => $Login, UserFirstname => $First, UserLastname => $Last, UserPw => "$Login-pass",
        UserEmail => "$Login\@example.test", ValidID => 1, ChangeUserID => 1,
    ) or die $Login;
    # dora reads and notes, and owns nothing.
    my @Rights = $Login eq 'dora' ? ( rw => 0, ro => 1, note => 1 ) : ( rw => 1, ro => 0, note => 0 );
    object('Group')->PermissionGroupUserAdd(
        GID => 1, UID => $UserID, UserID => 1,
        Permission => { move_into => 0, create => 0, owner => 0, priority => 0, @Rights },
    ) or die "rights of $Login";
}
object('CustomerUser')->CustomerUserAdd(
    Source => 'CustomerUser', UserFirstname => 'Req', UserLastname => 'Uester', UserCustomerID => 'acme',
    UserLogin => 'req', UserPassword => 'x', UserEmail => 'req@example.test', ValidID => 1, UserID => 1,
) or die 'customer';

my $Order = 0;
for my $Field (
    [ 'Category', 'Dropdown',    { vpn => 'VPN', invoice => 'Invoice', 'доступ' => 'Доступ' } ],
    [ 'Kind',     'Text',        undef ],
    [ 'Tags',     'Text',        undef ],
    [ 'Labels',   'Multiselect', { vip => 'VIP', late => 'Late', night => 'Night' } ],
    )
{
    my ( $Name, $Type, $Values ) = @{$Field};
    object('DynamicField')->DynamicFieldAdd(
        Name => $Name, Label => $Name, FieldOrder => ++$Order, FieldType => $Type, ObjectType => 'Ticket', ValidID => 1,
        UserID => 1,
        Config => { DefaultValue => '', $Values ? ( PossibleNone => 1, PossibleValues => $Values ) : () },
    ) or die $Name;
}
print "seeded\n";
