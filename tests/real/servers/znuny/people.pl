# Everybody but deskyard at a Znuny: a line of JSON in, a line of JSON out, until the input ends. Usage: people.pl HOME
#
# Each line is [command, {arguments}], each answer {"ok": value} or {"error": text}. Every command has objects of its
# own, so that nothing is remembered and events (webhooks too) are told before the answer.
use strict;
use warnings;
use utf8;

my $Home;
BEGIN {
    $Home = shift @ARGV or die "usage: people.pl HOME\n";
    unshift @INC, $Home, "$Home/Kernel/cpan-lib", "$Home/Custom";
}
use Cpanel::JSON::XS ();
use Kernel::System::ObjectManager;

my $JSON = Cpanel::JSON::XS->new()->utf8(1)->allow_nonref(1);
$| = 1;

sub object { return $Kernel::OM->Get("Kernel::System::$_[0]") }
sub user   { return object('User')->UserLookup( UserLogin => $_[0] ) // die "no agent $_[0]" }

sub within {
    my ($Do) = @_;
    local $Kernel::OM = Kernel::System::ObjectManager->new( 'Kernel::System::Log' => { LogPrefix => 'people' } );
    my $Done = $Do->();
    $Kernel::OM->ObjectsDiscard();
    return $Done;
}

sub article {
    my ( $TicketID, %Told ) = @_;
    return object('Ticket::Article')->BackendForChannel( ChannelName => $Told{Channel} || 'Email' )->ArticleCreate(
        TicketID => $TicketID, SenderType => 'customer', IsVisibleForCustomer => 1, To => 'support@example.test',
        From => '"Req Uester" <req@example.test>', Subject => '-', Body => '-', Charset => 'utf-8',
        MimeType => 'text/plain', HistoryType => 'WebRequestCustomer', HistoryComment => '%%', UserID => 1, %Told,
    ) || die 'no article';
}

my %Field = (
    queue => sub {
        my ( $Ticket, $Value, $By ) = @_;
        object('Ticket')->TicketQueueSet( TicketID => $Ticket, Queue => $Value, UserID => $By );
    },
    priority => sub {
        my ( $Ticket, $Value, $By ) = @_;
        object('Ticket')->TicketPrioritySet( TicketID => $Ticket, Priority => $Value, UserID => $By );
    },
    assignee => sub {
        my ( $Ticket, $Value, $By ) = @_;
        object('Ticket')->TicketOwnerSet( TicketID => $Ticket, NewUser => $Value, UserID => $By );
    },
    status => sub {
        my ( $Ticket, $Value, $By ) = @_;
        object('Ticket')->TicketStateSet( TicketID => $Ticket, State => $Value, UserID => $By );
    },
    title => sub {
        my ( $Ticket, $Value, $By ) = @_;
        object('Ticket')->TicketTitleUpdate( TicketID => $Ticket, Title => $Value, UserID => $By );
    },
    field => sub {
        my ( $Ticket, $Value, $By ) = @_;
        my ( $Name, $Content ) = @{$Value};
        object('DynamicField::Backend')->ValueSet(
            DynamicFieldConfig => object('DynamicField')->DynamicFieldGet( Name => $Name ),
            ObjectID           => $Ticket, Value => $Content, UserID => $By,
        );
    },
);

my %Command = (
    file => sub {
        my (%Told) = @_;
        my $TicketID = within(
            sub {
                my $New = object('Ticket')->TicketCreate(
                    Title => $Told{subject}, Queue => $Told{queue} || 'Raw', Lock => 'unlock', Priority => '3 normal',
                    State => 'new', CustomerID => 'acme', CustomerUser => 'req', OwnerID => 1, UserID => 1,
                ) || die 'no ticket';
                article( $New, Subject => $Told{subject}, Body => $Told{body} || '-', %{ $Told{article} || {} } );
                return $New;
            }
        );
        # What the events of a new ticket do changes its moment once more: only then is it set.
        within(
            sub {
                object('DB')->Do(
                    SQL  => 'UPDATE ticket SET create_time = ?, change_time = ? WHERE id = ?',
                    Bind => [ \$Told{at}, \$Told{at}, \$TicketID ],
                ) || die 'no moment';
                object('Ticket')->_TicketCacheClear( TicketID => $TicketID );
            }
        ) if $Told{at};
        return $TicketID;
    },
    set => sub {
        my (%Told) = @_;
        within( sub { $Field{ $Told{field} }->( $Told{ref}, $Told{value}, user( $Told{who} ) ) || die 'not set' } );
        return 1;
    },
    article => sub {
        my (%Told) = @_;
        my ( $Who, $Ref ) = delete @Told{qw(who ref)};
        return within( sub { article( $Ref, UserID => user($Who), %Told ) } );
    },
    notes => sub {
        my (%Told) = @_;
        return within(
            sub {
                my $Articles = object('Ticket::Article');
                my @Bodies;
                for my $Meta ( $Articles->ArticleList( TicketID => $Told{ref}, IsVisibleForCustomer => 0 ) ) {
                    my %Article = $Articles->BackendForArticle( %{$Meta} )->ArticleGet( %{$Meta} );
                    push @Bodies, $Article{Body};
                }
                return \@Bodies;
            }
        );
    },
    history => sub {
        my (%Told) = @_;
        return within(
            sub { [ map { [ @{$_}{qw(HistoryType CreateBy Name)} ] } object('Ticket')->HistoryGet( %Told, UserID => 1 ) ] }
        );
    },
    ticket => sub {
        my (%Told) = @_;
        return within( sub { my %Ticket = object('Ticket')->TicketGet( TicketID => $Told{ref}, UserID => 1 ); \%Ticket } );
    },
    queue => sub {
        my (%Told) = @_;
        return within(
            sub {
                my %Queue = object('Queue')->QueueGet( Name => $Told{name} );
                object('Queue')->QueueUpdate( %Queue, ValidID => $Told{valid}, UserID => 1 ) || die 'no update';
            }
        );
    },
    agent => sub {
        my (%Told) = @_;
        return within(
            sub {
                my %User = object('User')->GetUserData( User => $Told{login}, NoOutOfOffice => 1 );
                delete $User{UserPw};
                object('User')->UserUpdate( %User, ValidID => $Told{valid}, ChangeUserID => 1 ) || die 'no update';
            }
        );
    },
    away => sub {
        my (%Told) = @_;
        my %Day = ( Start => $Told{first}, End => $Told{last} );
        return within(
            sub {
                my $UserID = user( $Told{login} );
                for my $End ( keys %Day ) {
                    my %Part;
                    @Part{qw(Year Month Day)} = split m{-}xms, $Day{$End};
                    object('User')->SetPreferences( UserID => $UserID, Key => "OutOfOffice$End$_", Value => $Part{$_} )
                        for keys %Part;
                }
                object('User')->SetPreferences( UserID => $UserID, Key => 'OutOfOffice', Value => 1 );
            }
        );
    },
    mail => sub {
        my (%Told) = @_;
        return within(
            sub {
                my $Mail = $Told{mail};
                utf8::encode($Mail);
                require Kernel::System::PostMaster;
                my $Log = $Kernel::OM->Create(
                    'Kernel::System::CommunicationLog',
                    ObjectParams => { Transport => 'Email', Direction => 'Incoming' },
                );
                $Log->ObjectLogStart( ObjectLogType => 'Message' );
                my @Done = Kernel::System::PostMaster->new( CommunicationLogObject => $Log, Email => \$Mail )->Run();
                $Log->ObjectLogStop( ObjectLogType => 'Message', Status => 'Successful' );
                $Log->CommunicationStop( Status => 'Successful' );
                return $Done[1];
            }
        );
    },
    merge => sub {
        my (%Told) = @_;
        return within(
            sub {
                object('Ticket')->TicketMerge( MainTicketID => $Told{into}, MergeTicketID => $Told{ref}, UserID => 1 )
                    || die 'not merged';
            }
        );
    },
    sql => sub {
        my (%Told) = @_;
        return within( sub { object('DB')->Do( SQL => $Told{sql} ) || die 'refused' } );
    },
);

while ( my $Line = <STDIN> ) {
    my $Answer = eval {
        my ( $Name, $Told ) = @{ $JSON->decode($Line) };
        { ok => $Command{$Name}->( %{$Told} ) };
    } || { error => "$@" };
    # Znuny's Encode gives STDOUT a layer of its own.
    binmode STDOUT, ':raw';
    print $JSON->encode($Answer), "\n";
}
