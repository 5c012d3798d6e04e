#!/usr/bin/perl
# Judges by Mail::DMARC, with records of a file in place of the DNS: mail_dmarc.pl RECORDS
#
# RECORDS has lines NAME TAB TEXT; stdin AUTHOR TAB SPF TAB DKIM..., domains that have passed, "-"
# for none; stdout RESULT TAB DISPOSITION.
use strict;
use warnings;

package Answer;
sub new { my ($class, @texts) = @_; return bless {texts => \@texts}, $class }
sub answer { return map { bless {text => $_}, 'Record' } @{$_[0]{texts}} }

package Record;
sub type { return 'TXT' }
sub txtdata { return $_[0]{text} }

package Resolver;
sub send { my ($self, $name) = @_; return Answer->new(@{$self->{lc $name} // []}) }

package Judge;
use parent 'Mail::DMARC::PurePerl';
our $records;
sub get_resolver { return bless $records, 'Resolver' }
sub has_dns_rr { return 1 }
sub is_public_suffix { return $_[1] !~ /\./ }

package main;
$SIG{__WARN__} = sub { };
$| = 1;
open my $file, '<', $ARGV[0] or die;
our $records; while (<$file>) {
    chomp;
    my ($name, $text) = split /\t/, $_, 2;
    push @{$records->{$name}}, $text;
}
$Judge::records = $records // {};
while (<STDIN>) {
    chomp;
    my ($author, $spf, @dkim) = split /\t/;
    my $judge = Judge->new;
    $judge->config->{report_store}{auto_save} = 0;
    $judge->source_ip('192.0.2.1');
    $judge->header_from($author);
    $judge->spf({domain => $spf eq '-' ? $author : $spf, scope => 'mfrom', result => $spf eq '-' ? 'fail' : 'pass'});
    $judge->dkim([map { {domain => $_, selector => 's', result => 'pass'} } @dkim]);
    my $result = eval { $judge->validate };
    print $result ? $result->result . "\t" . lc $result->disposition : "error\t-", "\n";
}
