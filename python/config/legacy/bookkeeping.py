"""Keys of older configurations that say how a training was run and not what it learns: they are named, and left behind."""

KEPT = "every run keeps it"
OWN_CHECKPOINTS = "checkpoints are written after every epoch, and the best is kept"
OTHER_MACHINE = "a path of another machine; runs go to output, or where -o says"
LOGGING = "logging"
LOADER = "images are stored sparse and read in one way; the training is the same"
DEVICE = "where to train is device, or what the batch system gives"
HELD = "how much was held in memory at a time; here all samples are, and every epoch shows all that max_samples allows"
OPENED = "how many files were opened; max_samples says how many images are used"
STOPPED = "a training whose loss is not finite stops here always"
ELSEWHERE = "of the batch system; a batch job asks for what batch_job says"

BOOKKEEPING: dict[str, str] = {
    # what is saved, and how often
    "save_best_only": OWN_CHECKPOINTS,
    "save_every_n_epochs": OWN_CHECKPOINTS,
    "save_checkpoints": OWN_CHECKPOINTS,
    "save_checkpoint": OWN_CHECKPOINTS,
    "save_freq": OWN_CHECKPOINTS,
    "save_frequency": OWN_CHECKPOINTS,
    "checkpoint_frequency": OWN_CHECKPOINTS,
    "checkpoint_every": OWN_CHECKPOINTS,
    "checkpoint_every_n_epochs": OWN_CHECKPOINTS,
    "checkpoint_freq": OWN_CHECKPOINTS,
    "checkpoint_dir": OTHER_MACHINE,
    "save_model": KEPT,
    "save_weights": KEPT,
    "save_history": KEPT,
    "save_predictions": KEPT,
    "save_confusion_matrix": KEPT,
    "save_roc_curve": KEPT,
    "save_metrics": KEPT,
    "save_plots": KEPT,
    # where to
    "base_dir": OTHER_MACHINE,
    "output_dir": OTHER_MACHINE,
    "output_folder": OTHER_MACHINE,
    "save_dir": OTHER_MACHINE,
    "log_dir": OTHER_MACHINE,
    # what is said
    "verbose": LOGGING,
    "log_level": LOGGING,
    "log_every": LOGGING,
    "log_frequency": LOGGING,
    "print_every": LOGGING,
    # how images are brought to the network
    "use_tf_data_pipeline": LOADER,
    "use_tf_data": LOADER,
    "batch_size_load": LOADER,
    "num_workers": LOADER,
    "workers": LOADER,
    "prefetch": LOADER,
    "cache": LOADER,
    "shuffle_buffer": LOADER,
    "shuffle_buffer_size": LOADER,
    "buffer_size": LOADER,
    "reload_every_n_epochs": HELD,
    "refresh_every_n_epochs": HELD,
    "samples_per_batch": HELD,
    "batch_samples": HELD,
    "incremental_loading": HELD,
    "max_samples_per_batch": HELD,
    "max_files": OPENED,
    "max_files_per_class": OPENED,
    # where it runs
    "gpu": DEVICE,
    "gpus": DEVICE,
    "gpu_id": DEVICE,
    "use_gpu": DEVICE,
    "memory_growth": DEVICE,
    "terminate_on_nan": STOPPED,
    "job_flavour": ELSEWHERE,
    "request_memory": ELSEWHERE,
    "request_gpus": ELSEWHERE,
    # of the file itself
    "$schema": "it depends on where the file lies",
}
