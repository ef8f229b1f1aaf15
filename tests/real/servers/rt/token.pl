# A token for our own account, printed.
use strict;
use warnings;
use lib '/usr/share/request-tracker5/lib';
use RT -init;
my $user = RT::User->new( RT->SystemUser );
$user->Load('router') or die 'there is no user router';
my ( $ok, $told, $token ) = RT::AuthToken->new( RT->SystemUser )->Create( Owner => $user->id, Description => 'deskyard' );
die $told unless $ok;
print $token;
