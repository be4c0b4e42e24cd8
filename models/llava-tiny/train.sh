#!/usr/bin/env bash
# Trains the embedded model from nothing: tokenizer, vision tower, language model, feature alignment, visual instruction tuning.
# Every step goes on from its last checkpoint when the script is started again, and is passed over once it is done.
#
# usage: train.sh WORK_FOLDER [MINUTES_OF_THE_LAST_STEP]
# THREADS, TOWER_MINUTES, TEXT_MINUTES and ALIGN_MINUTES in the environment change the rest. With FROM, the folder of a finished model, only the last step
# is run and goes on from that model; give it pictures of its own then (SEED), lower learning rates (RATE, TOWER_RATE), and a tower that was resized (TOWER).
set -euo pipefail

work=${1:?usage: train.sh WORK_FOLDER [MINUTES]}
minutes=${2:-180}
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
root=$(cd "$here/../.." && pwd)
threads=${THREADS:-2}
vocabulary=768
# threads spin while they wait for each other: a third faster on a machine of its own; PASSIVE leaves more to other work
export OMP_WAIT_POLICY=${OMP_WAIT_POLICY:-ACTIVE}
# freed memory stays with the process: fresh pages for every intermediate tensor cost a sixth of the time
export MALLOC_MMAP_THRESHOLD_=1073741824 MALLOC_TRIM_THRESHOLD_=2147483648

if [[ -n ${LLAVA:-} ]]; then
    llava=("$LLAVA")
else
    # a copy of its own: a build in the repository must not change the program under a run of hours
    [[ -x $work/bin/llava ]] || dotnet publish "$root/src/LlavaSharp.Cli" -c Release -v q -o "$work/bin" \
        -p:CreateSymbolicLinksForCopyFilesToOutputDirectoryIfPossible=false -p:CreateSymbolicLinksForCopyLocalIfPossible=false
    llava=("$work/bin/llava")
fi
mkdir -p "$work"

done_file() { [[ -n ${FROM:-} || -f "$work/$1/.done" ]]; }
finish() { touch "$work/$1/.done"; }

# 1. A vocabulary for the words of the world.
if ! done_file base; then
    mkdir -p "$work/base"
    "${llava[@]}" data synth-tokenizer --out "$work/base" --vocabulary "$vocabulary"
    cp "$here/recipe/llama-config.json" "$work/base/config.json"
    finish base
fi

# 2. The tower learns to see, without language.
if ! done_file tower; then
    "${llava[@]}" train tower --config "$here/recipe/tower-config.json" --output_dir "$work/tower" \
        --max_minutes "${TOWER_MINUTES:-40}" --threads "$threads"
    finish tower
fi

# 3. The language model learns to talk about scenes that are told in words.
if ! done_file text; then
    "${llava[@]}" train --model_name_or_path "$work/base" --random_init True --version v1 \
        --data_path synth:text,seed=101,turns=5 --output_dir "$work/text" \
        --max_minutes "${TEXT_MINUTES:-6}" --per_device_train_batch_size 24 --learning_rate 1.5e-3 --weight_decay 0.05 \
        --adam_beta2 0.98 --warmup_steps 200 --lr_scheduler_type cosine --model_max_length 2048 --length_window 8 \
        --logging_steps 50 --save_steps 200 --save_total_limit 1 --threads "$threads"
    finish text
fi

# 4. Feature alignment: the projector alone, on descriptions; in the format that the language model already speaks.
if ! done_file align; then
    "${llava[@]}" train --model_name_or_path "$work/text" --version v1 \
        --data_path synth:describe,seed=102 --vision_tower "$work/tower" --mm_vision_select_layer -2 --mm_projector_type mlp2x_gelu \
        --tune_mm_mlp_adapter True --image_aspect_ratio pad --output_dir "$work/align" \
        --max_minutes "${ALIGN_MINUTES:-2}" --per_device_train_batch_size 24 --learning_rate 2e-3 --weight_decay 0.0 \
        --warmup_steps 50 --lr_scheduler_type cosine --model_max_length 2048 \
        --logging_steps 50 --save_steps 200 --save_total_limit 1 --threads "$threads"
    finish align
fi

if [[ -n ${FROM:-} ]]; then
    start=(--model_name_or_path "$FROM" --vision_tower "${TOWER:-$FROM/vision_tower}")
else
    start=(--model_name_or_path "$work/text" --vision_tower "$work/tower" --pretrain_mm_mlp_adapter "$work/align/mm_projector.bin")
fi

# 5. Visual instruction tuning: everything learns, the tower at half the rate.
"${llava[@]}" train "${start[@]}" --version v1 \
    --data_path "synth:seed=${SEED:-103},turns=7,describe_share=0.4,describe_first=0.6,weight_color=1.6,weight_count-all=1,weight_count-color=1.5,weight_count-shape=1.8,weight_size=2.4,weight_place=2.2,weight_refusal=1.6" --mm_vision_select_layer -2 --mm_projector_type mlp2x_gelu \
    --unfreeze_mm_vision_tower True --mm_vision_tower_lr "${TOWER_RATE:-6e-4}" \
    --image_aspect_ratio pad --output_dir "$work/llava-tiny-v1" \
    --max_minutes "$minutes" --per_device_train_batch_size 10 --learning_rate "${RATE:-1.2e-3}" --weight_decay 0.05 \
    --adam_beta2 0.98 --warmup_steps 200 --lr_scheduler_type cosine --max_grad_norm 1.0 --model_max_length 2048 --length_window 8 \
    --logging_steps 50 --save_steps 250 --save_total_limit 1 --save_dtype float16 --threads "$threads"
