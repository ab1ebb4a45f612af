// Kernel tests share two cores, the firewall tools' lock and the clock: one at a time, so that a time limit means something.
[assembly: CollectionBehavior(DisableTestParallelization = true)]
