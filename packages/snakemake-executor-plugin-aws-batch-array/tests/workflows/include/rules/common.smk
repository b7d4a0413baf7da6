def get_final():
    return ["final.txt"]
