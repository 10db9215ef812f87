# ---
# jupyter:
#   jupytext:
#     text_representation:
#       extension: .py
#       format_name: percent
#   kernelspec:
#     display_name: Python 3
#     language: python
#     name: python3
# ---

# %%
import numpy as np
from sklearn.datasets import load_breast_cancer
from sklearn.model_selection import RepeatedStratifiedKFold, train_test_split
from sklearn.preprocessing import StandardScaler
from livegrad import MLP
import time
x, y = load_breast_cancer(return_X_y=True)
x_dev, x_test, y_dev, y_test = train_test_split(x, y, test_size=0.5, stratify=y, random_state=0)
RATES=[0.0,0.1,0.2,0.3,0.4,0.5,0.6,0.7,0.8,0.9]
folds = RepeatedStratifiedKFold(n_splits=5, n_repeats=2, random_state=0)
t=time.time()
out=[]
for rate in RATES:
    l=[]
    for at,(a,b) in enumerate(folds.split(x_dev,y_dev)):
        sc=StandardScaler().fit(x_dev[a])
        net=MLP([30,64,64,1],"relu",head="binary",dropout=rate,rng=at,dtype="float32")
        net.fit(sc.transform(x_dev[a]).astype("float32"),y_dev[a],epochs=60,learning_rate=0.03,momentum=0.9,batch_size=32,progress=False)
        xb=sc.transform(x_dev[b]).astype("float32")
        l.append((net.loss(xb,y_dev[b]),net.accuracy(xb,y_dev[b])))
    l=np.array(l); out.append(l)
    print(rate,l.mean(0),l.std(0,ddof=1)/10**.5)
print(time.time()-t)
