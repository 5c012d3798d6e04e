#!/usr/bin/perl
# Judges senders with Mail::SPF by records from standard input, for compare.py: a JSON object with
# "records" ("name TYPE" to a list of data, or null for SERVFAIL), "names" that exist, and
# "questions" ([ip, helo, sender]). Answers with a list of [result, explanation].
use strict;
use warnings;

package Records;
use Net::DNS;

sub new { my ($class, $given) = @_; return bless {%$given, error => ''}, $class; }
sub errorstring { return $_[0]{error}; }

sub send {
    my ($self, $name, $type) = @_;
    my $packet = Net::DNS::Packet->new();
    my $key = lc($name) . " $type";
    $packet->header->qr(1);
    if (exists $self->{records}{$key} && !defined $self->{records}{$key}) {
        $packet->header->rcode('SERVFAIL');
        return $packet;
    }
    $packet->header->rcode('NXDOMAIN') if !$self->{names}{lc $name};
    my %field = (A => 'address', AAAA => 'address', PTR => 'ptrdname', TXT => 'txtdata');
    for my $data (@{ $self->{records}{$key} // [] }) {
        my @rr = (name => 'x.example', type => $type);
        my $rr = $type eq 'MX'
            ? Net::DNS::RR->new(@rr, preference => $data->[0], exchange => $data->[1])
            : Net::DNS::RR->new(@rr, $field{$type} => $data);
        $rr->{owner} = Net::DNS::DomainName->new($name);
        $packet->push(answer => $rr);
    }
    return $packet;
}

package main;
use JSON::PP;
use Mail::SPF;
use Mail::SPF::Request;

my $given = decode_json(do { local $/; <STDIN> });
my $server = Mail::SPF::Server->new(
    dns_resolver => Records->new($given),
    query_rr_types => Mail::SPF::Server->query_rr_type_txt,
    default_authority_explanation => 'DEFAULT',
    hostname => 'mx.receiver.example',
);
my @answers;
for my $question (@{ $given->{questions} }) {
    my ($ip, $helo, $sender) = @$question;
    my $result = eval {
        $server->process(Mail::SPF::Request->new(
            versions => [1], scope => 'mfrom', identity => $sender, ip_address => $ip,
            helo_identity => $helo));
    };
    my $text = $result && $result->is_code('fail') ? $result->authority_explanation : '';
    push @answers, [$result ? $result->code : 'died', "$text", $result ? $result->text : "$@"];
}
print encode_json(\@answers);
