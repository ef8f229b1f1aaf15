# The scrip that deskyard ships, as an administrator would paste it, with its two lines written.
use strict;
use warnings;
our @Scrips;
open my $file, '<:encoding(UTF-8)', $ENV{DESKYARD_SCRIP} or die "$ENV{DESKYARD_SCRIP}: $!";
my $code = do { local $/; <$file> };
close $file;
$code =~ s/^my \$address = .*$/my \$address = '$ENV{DESKYARD_HOOK}';/m or die 'no line for the address';
$code =~ s/^my \$secret  = .*$/my \$secret  = '$ENV{DESKYARD_SECRET}';/m  or die 'no line for the secret';
@Scrips = (
    {   Description       => 'deskyard',
        Queue             => 0,
        ScripCondition    => 'On Transaction',
        ScripAction       => 'User Defined',
        Template          => 'Blank',
        Stage             => 'TransactionBatch',
        CustomPrepareCode => '1;',
        CustomCommitCode  => $code,
    }
);
1;
