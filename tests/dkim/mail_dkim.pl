#!/usr/bin/perl
# Mail::DKIM behind a pipe, for compare.py:
#   "V 0 RECORD_LEN MESSAGE_LEN\n" record message  ->  "COUNT\n" and for each "RESULT DETAIL\n"
#   "S ALGORITHM METHOD KEY_LEN MESSAGE_LEN\n" key message  ->  "FIELD_LEN\n" field
use strict;
use warnings;
use Mail::DKIM::Verifier;
use Mail::DKIM::Signer;
use Mail::DKIM::PrivateKey;
use Net::DNS::RR;
binmode STDIN;
binmode STDOUT;
$| = 1;

my $record;
{
    no warnings 'redefine';
    *Mail::DKIM::DNS::query = sub {
        my ($name, $type) = @_;
        my $rr = Net::DNS::RR->new(type => 'TXT', name => 'x.example', txtdata => [$record]);
        $@ = '';
        return ($rr);
    };
}

sub take { my ($len) = @_; my $bytes = ''; read(STDIN, $bytes, $len) if $len; return $bytes }

sub verify {
    my ($message) = @_;
    my $verifier = Mail::DKIM::Verifier->new();
    $verifier->PRINT($message);
    $verifier->CLOSE;
    my @signatures = $verifier->signatures;
    print scalar(@signatures), "\n";
    for (@signatures) { my $d = $_->result_detail; $d =~ s/\n/ /g; print $_->result, " $d\n" }
}

sub sign {
    my ($algorithm, $method, $key, $message) = @_;
    $key =~ s/-----[^\n]*-----|\s//g;
    my $signer = Mail::DKIM::Signer->new(
        Algorithm => $algorithm, Method => $method, Domain => 'example.org', Selector => 'sel',
        Key => Mail::DKIM::PrivateKey->load(Data => $key));
    $signer->PRINT($message);
    $signer->CLOSE;
    my $field = $signer->signature->as_string . "\r\n";
    $field =~ s/\r?\n/\r\n/g;
    print length($field), "\n", $field;
}

while (my $line = <STDIN>) {
    my ($verb, @more) = split ' ', $line;
    if ($verb eq 'V') {
        $record = take($more[1]);
        my $message = take($more[2]);
        eval { verify($message); 1 } or do { my $e = $@; $e =~ s/\n/ /g; print "1\ndied $e\n" };
    } else {
        my $key = take($more[2]);
        my $message = take($more[3]);
        eval { sign($more[0], $more[1], $key, $message); 1 } or print "0\n";
    }
}
